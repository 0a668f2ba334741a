//! How a broker's Java is started, and what its log tells.

use std::fs;
use std::path::Path;

use crate::kafka_jars::kafka_jars;

/// The id that every cluster of the kit is formatted with.
pub const CLUSTER: &str = "dGllcmxpbmUtdGVzdGtpdA";
/// How a broker says that it serves (its INFO line, let through by `LOG_LEVELS`).
pub const READY: &str = "Transition from STARTING to STARTED";
/// How a controller says that it is the active one; the epoch follows.
pub const ACTIVE: &str = "Becoming the active controller at epoch ";

const LOG_LEVELS: &str = "appender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\n\
    appender.out.layout.pattern=%d %p %c{1} %m%n\nrootLogger.level=WARN\nrootLogger.appenderRef.out.ref=out\n\
    logger.server.name=kafka.server.BrokerServer\nlogger.server.level=INFO\n\
    logger.quorum.name=org.apache.kafka.controller.QuorumController\nlogger.quorum.level=INFO\n";

/// Java with Kafka's classes and its log on standard output; what follows is a class and its arguments. The log's
/// configuration goes into `folder`.
pub fn command(folder: &Path, heap_mb: u32) -> Vec<String> {
    let levels = folder.join("log4j2.properties");
    fs::write(&levels, LOG_LEVELS).expect("our own folder");
    [
        "java",
        &format!("-Xmx{heap_mb}m"),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        &format!("-Dlog4j2.configurationFile={}", levels.display()),
        "-cp",
        &format!("{}/*", kafka_jars().display()),
    ]
    .map(str::to_owned)
    .to_vec()
}
