//! Which partition a key belongs to: what Java's default partitioner says, so that any client's records land right.

use crate::log::Partition;

/// The partition of a key among `partitions` (at least 1), as `murmur2` partitioners give it.
pub fn partition_of(key: &[u8], partitions: i32) -> Partition {
    // "toPositive" of the Java client: the sign bit is dropped, not negated.
    (murmur2(key) & 0x7fff_ffff) as i32 % partitions
}

/// The 32-bit murmur2 of `org.apache.kafka.common.utils.Utils`, seed included.
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        // Invariant: `chunks_exact(4)` yields four bytes.
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        k = k.wrapping_mul(M);
        k ^= k >> R;
        k = k.wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        for (place, &byte) in tail.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_as_java_does() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn drops_the_sign_rather_than_turning_it() {
        // -973932308 & 0x7fffffff = 1173551340
        assert_eq!(partition_of(b"21", 1_000), 340);
        assert_eq!(partition_of(b"21", 1), 0);
    }
}
