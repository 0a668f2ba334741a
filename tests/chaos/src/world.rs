//! Three brokers, the proxies before them, the instances, and who watches what comes out.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tierline_testkit::{Cluster, ClusterSettings, Program};

use crate::fleet::Fleet;
use crate::plan::Plan;
use crate::proxy::Proxy;
use crate::sender::{Flow, flush, producer, send};
use crate::story::{RULES, Story, Told};
use crate::watch::Watch;

/// The consumer group of the instances.
pub const GROUP: &str = "tierline";
/// The topic whose silence is measured.
pub const OUTPUT: &str = "escalations";

/// If the pipeline is not itself again after so long, it never will be.
const RECOVERY: Duration = Duration::from_secs(120);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// All that takes part in a run on Kafka.
pub struct World {
    /// How the run is to be.
    pub plan: Plan,
    /// The brokers.
    pub cluster: Cluster,
    /// By instance and broker: what stands between them.
    pub ways: Vec<Vec<Proxy>>,
    /// The instances.
    pub fleet: Fleet,
    /// What becomes visible.
    pub watch: Watch,
    /// The program as a person uses it, undisturbed.
    pub tools: Program,
    /// What was told before the instances started.
    pub before: Vec<Told>,
}

impl World {
    /// Starts it all in this folder, with a backlog in the inputs. No input flows yet: that is the story, told so far.
    ///
    /// # Errors
    /// The run cannot be tried.
    ///
    /// # Panics
    /// As the kit does: a broker does not start.
    pub fn build(plan: &Plan, folder: &Path, binary: &Path) -> Result<(World, Story), String> {
        let (cluster, ways) = cluster(plan, folder)?;
        let tools =
            Program::within(&folder.join("tools"), binary, &config(&cluster.address(), "tools", "127.0.0.1:0", plan));
        let partitions = plan.partitions.to_string();
        let replication = cluster.brokers().to_string();
        let create = ["topics", "create", "--partitions", &partitions, "--replication", &replication];
        cluster.eventually("topics to be made", || match tools.answer(create) {
            made if made.code == Some(0) => Ok(()),
            answer => Err(format!("{answer:?}")),
        });

        let mut story = Story::new(plan.seed, plan.accounts, plan.partitions);
        let mut before = story.known();
        while (before.len() as u64) < plan.backlog {
            before.extend(story.event_and_asides());
        }
        story.rest();
        let sender = producer(cluster.client())?;
        before.iter().try_for_each(|told| send(&sender, told))?;
        flush(&sender)?;

        let watch = Watch::start(cluster.client(), OUTPUT, plan.partitions)?;
        let fleet = Fleet::new(folder, binary, plan.instances, |number, name, listen| {
            let brokers: Vec<String> = ways[number].iter().map(|way| format!("127.0.0.1:{}", way.port())).collect();
            config(&brokers.join(","), name, listen, plan)
        });
        let plan = plan.clone();
        Ok((World { plan, cluster, ways, fleet, watch, tools, before }, story))
    }

    /// Lets the story go on.
    pub fn flow(&self, story: Story) -> Result<Flow, String> {
        Ok(Flow::start(producer(self.cluster.client())?, story, self.plan.rate))
    }

    /// Waits until the instances that are to run share all partitions and every one of them speaks; `asleep` is not
    /// counted on.
    ///
    /// # Errors
    /// They don't after two minutes: the last thing that was seen instead.
    pub fn settle(&mut self, after: &str, asleep: Option<usize>) -> Result<(), String> {
        let partitions = self.plan.partitions;
        self.wait(&format!("output to flow again after {after}"), |world| {
            world.watch.flows()?;
            world.fleet.share(partitions, asleep)
        })
    }

    /// Waits until every partition of every topic has all its replicas in sync.
    ///
    /// # Errors
    /// It has not after two minutes.
    pub fn sync(&mut self) -> Result<(), String> {
        self.wait("all replicas to be in sync", |world| world.cluster.in_sync())
    }

    /// Waits for a condition, and looks after the instances meanwhile.
    ///
    /// # Errors
    /// It does not come within two minutes.
    pub fn wait(&mut self, what: &str, look: impl Fn(&mut World) -> Result<(), String>) -> Result<(), String> {
        let began = Instant::now();
        loop {
            self.fleet.tend();
            match look(self) {
                Ok(()) => return Ok(()),
                Err(why) if began.elapsed() > RECOVERY => return Err(format!("waited {RECOVERY:?} for {what}: {why}")),
                Err(_) => thread::sleep(BETWEEN_LOOKS),
            }
        }
    }

    /// Lets time pass, and looks after the instances meanwhile.
    pub fn hold(&mut self, length: Duration) {
        let began = Instant::now();
        while began.elapsed() < length {
            self.fleet.tend();
            thread::sleep(BETWEEN_LOOKS.min(length));
        }
    }
}

fn cluster(plan: &Plan, folder: &Path) -> Result<(Cluster, Vec<Vec<Proxy>>), String> {
    let brokers = ClusterSettings::default().brokers;
    let proxies = |_| (0..brokers).map(|_| Proxy::new()).collect::<std::io::Result<Vec<Proxy>>>();
    let ways: Vec<Vec<Proxy>> =
        (0..plan.instances).map(proxies).collect::<std::io::Result<_>>().map_err(|error| error.to_string())?;
    let doors = ways.iter().map(|ways| ways.iter().map(Proxy::port).collect()).collect();
    let cluster = Cluster::start(folder, &ClusterSettings { doors, ..ClusterSettings::default() });
    for (door, ways) in ways.iter().enumerate() {
        for (broker, way) in ways.iter().enumerate() {
            way.lead_to(cluster.door(door, broker));
        }
    }
    Ok((cluster, ways))
}

fn config(brokers: &str, name: &str, listen: &str, plan: &Plan) -> String {
    let session = plan.session.as_millis();
    format!(
        "log:\n  kind: kafka\n  brokers: {brokers}\n  group: {GROUP}\n  instance: {name}\n  \
         checkpoints: {{ folder: checkpoints, interval: 15s }}\n  properties: {{ session.timeout.ms: {session} }}\n\
         observe: {{ listen: \"{listen}\", level: debug }}\n{RULES}"
    )
}
