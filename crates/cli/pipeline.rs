//! The pipeline of a configuration: its log, open and checked, and the lanes that are to run on it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tierline_config::{Config, Log};
use tierline_embedded::{Embedded, Server};
use tierline_intake::Opener;
use tierline_kafka::{Admin, KafkaLog, Settings};
use tierline_model::{Encoding, Millis, RecordType, RegistryError};
use tierline_observe::why::Questions;
use tierline_observe::{LaneMetrics, Metrics};
use tierline_stream::client::{Client, From};
use tierline_stream::clock::{ClockMode, Scale};
use tierline_stream::detect::{Detect, DetectSettings};
use tierline_stream::log::Failure;
use tierline_stream::score::{self, Score, ScoreSettings};
use tierline_stream::stage::Stages;
use tierline_stream::topics::{detect_inputs, detect_topics};
use tierline_stream::{Checkpoints, LaneError, LaneSettings, run_lane};

use crate::elsewhere::Others;
use crate::ended::Untried;
use crate::host::Host;
use crate::lanes::Work;
use crate::open;
use crate::records::Encodings;
use crate::scoring;

/// A pipeline that is ready to run. On the embedded log, commands beside it are answered for as long as it is there.
pub struct Pipeline {
    log: OpenLog,
    lanes: usize,
    lane: LaneSettings,
    detect: DetectSettings,
    /// None: nobody here scores messages.
    score: Option<ScoreSettings>,
    metrics: Metrics,
    questions: Questions,
    wall: Wall,
    before: Before,
    /// Answers commands of other processes until it is dropped.
    _server: Option<Server>,
}

#[derive(Clone)]
enum OpenLog {
    Embedded(Embedded),
    Kafka(Settings),
}

/// What the clocks of a pipeline follow when it has caught up: the wall clock, or the demo's fast one.
#[derive(Clone, Copy, Debug)]
pub struct Wall(ClockMode);

impl Wall {
    /// What it shows, UTC.
    pub fn now(&self) -> Millis {
        self.0.wall(real_now())
    }
}

/// What an earlier run left in the log.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    /// Records on the inputs.
    told: u64,
    /// When the newest record of any topic was taken, UTC.
    newest: Millis,
}

impl Pipeline {
    /// Opens the log and looks whether it is as it must be; nothing runs yet. `until`: drain the inputs, run the clock
    /// on to there, end.
    ///
    /// # Errors
    /// Everything for which it must not start, with what mends it.
    pub fn prepare(config: &Config, host: &Host, until: Option<Millis>) -> Result<Pipeline, Untried> {
        if until.is_some() && config.time.clock != tierline_config::Clock::Events {
            return Err(Untried::because(
                "`--until` is for `time.clock: events`: with any other the wall clock decides when something fires",
            ));
        }
        let (wall, before) = wall(config)?;
        let (log, server) = open_log(config, wall, host)?;
        let told = ask(config, &log)?;
        let lane = LaneSettings {
            clock: wall.0,
            until,
            commit_interval: config.work.commit_interval,
            checkpoints: told.checkpoints,
            health: host.health(),
            dead_letter_bytes: told.dead_letter_bytes,
            ..LaneSettings::default()
        };
        Ok(Pipeline {
            log,
            // Only one that owns everything knows when all of it is drained.
            lanes: if until.is_some() { 1 } else { config.work.lanes },
            lane,
            detect: detect(config)?,
            score: score(config, &host.metrics())?,
            metrics: host.metrics(),
            questions: host.questions().clone(),
            wall,
            before,
            _server: server,
        })
    }

    /// How many lanes each of its stages has.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// What its clocks follow when it has caught up.
    pub fn wall(&self) -> Wall {
        self.wall
    }

    /// How many records earlier runs left on the inputs; counted where the clock is scaled, else 0.
    pub fn told_before(&self) -> u64 {
        self.before.told
    }

    /// A client of its log within this process.
    ///
    /// # Errors
    /// The log is on a cluster.
    pub fn client(&self) -> Result<Box<dyn Client + Send>, Untried> {
        match &self.log {
            OpenLog::Embedded(embedded) => Ok(Box::new(embedded.client())),
            OpenLog::Kafka(settings) => Ok(Box::new(tierline_kafka::KafkaClient::connect(settings.clone())?)),
        }
    }

    /// What opens clients of its log, for other threads of this process.
    pub fn opener(&self) -> Opener {
        let log = self.log.clone();
        Box::new(move || match &log {
            OpenLog::Embedded(embedded) => Ok(Box::new(embedded.client())),
            OpenLog::Kafka(settings) => Ok(Box::new(tierline_kafka::KafkaClient::connect(settings.clone())?)),
        })
    }

    /// What each lane's thread is to do: all at once; but where the inputs are drained to an end, one stage after the
    /// other, for what messages say must be there before detect reads it beside them.
    pub fn work(&self) -> Vec<Vec<Work>> {
        let score = self.score.iter().flat_map(|settings| (0..self.lanes).map(|lane| self.score(settings, lane)));
        let (score, detect) = (score.collect::<Vec<_>>(), (0..self.lanes).map(|lane| self.detect(lane)));
        match self.lane.until {
            Some(_) => vec![score, detect.collect()],
            None => vec![score.into_iter().chain(detect).collect()],
        }
    }

    fn detect(&self, lane: usize) -> Work {
        let settings = LaneSettings { lane, questions: self.questions.lane(), ..self.lane.clone() };
        let stages = Detect::new(self.detect.clone());
        let metrics = self.metrics.lane(&topics(&stages));
        self.work_of(format!("lane {lane}"), stages, settings, metrics)
    }

    fn score(&self, settings: &ScoreSettings, lane: usize) -> Work {
        let lane_settings = LaneSettings {
            lane,
            health: self.lane.health.of_stage(score::NAME),
            // It has one input, whose order is given, and no timers: whatever the clock follows, the wall tells whether
            // it has caught up.
            clock: ClockMode::Wall,
            // There is nothing to restore.
            checkpoints: None,
            ..self.lane.clone()
        };
        let stages = Score::new(settings.clone());
        let metrics = self.metrics.lane_of_stage(score::NAME, &topics(&stages));
        self.work_of(format!("score lane {lane}"), stages, lane_settings, metrics)
    }

    fn work_of<S: Stages + Send + 'static>(
        &self,
        name: String,
        stages: S,
        settings: LaneSettings,
        metrics: LaneMetrics,
    ) -> Work {
        let (log, lane, lanes) = (self.log.clone(), settings.lane, self.lanes);
        let (stage, inputs, outputs) = (stages.name(), topics(&stages), stages.outputs().to_vec());
        let health = settings.health.clone();
        let run = move |stop: &AtomicBool| match log {
            OpenLog::Embedded(embedded) => {
                let log = embedded.stage_lane(stage, lane, lanes, inputs, outputs).map_err(dead)?;
                run_lane(log, stages, settings, metrics, stop, &real_now)
            }
            OpenLog::Kafka(kafka) => {
                // A process has at most 64 lanes of a stage.
                let kafka = kafka.for_stage(stage).for_lane(lane as u32);
                let log = KafkaLog::connect(kafka, inputs, outputs).map_err(dead)?;
                run_lane(log, stages, settings, metrics, stop, &real_now)
            }
        };
        Work { name, lane, health, run: Box::new(run) }
    }
}

/// The inputs of a stage.
fn topics(stages: &impl Stages) -> Vec<String> {
    stages.inputs().iter().map(|spec| spec.topic.clone()).collect()
}

fn dead(failure: Failure) -> LaneError {
    match failure {
        Failure::Fenced(why) => LaneError::Fenced(why),
        other => LaneError::Fatal(other.to_string()),
    }
}

fn real_now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}

fn open_log(config: &Config, wall: Wall, host: &Host) -> Result<(OpenLog, Option<Server>), Untried> {
    match &config.log {
        Log::Embedded { .. } => {
            let embedded = Embedded::open(open::embedded(config, Arc::new(move || wall.now()))?)?;
            let server = embedded.serve()?;
            Ok((OpenLog::Embedded(embedded), Some(server)))
        }
        Log::Kafka(told) => {
            let settings = Settings { advertise: host.advertised(), ..open::kafka(told) };
            for weaker in Admin::connect(&settings)?.refuse_mistakes(&open::topics(config))? {
                tracing::warn!("{weaker}");
            }
            host.questions().set_elsewhere(Others::of(&settings, &config.topics.tickets));
            Ok((OpenLog::Kafka(settings), None))
        }
    }
}

/// The wall. A scaled one goes on where the folder's own ended: a task's clock would stand still until it is reached.
fn wall(config: &Config) -> Result<(Wall, Before), Untried> {
    let factor = match config.time.clock {
        tierline_config::Clock::Wall => return Ok((Wall(ClockMode::Wall), Before::default())),
        tierline_config::Clock::Events => return Ok((Wall(ClockMode::Events), Before::default())),
        tierline_config::Clock::Scaled(factor) => factor,
    };
    let before = before(config)?;
    let real_origin = real_now();
    let scale = Scale { real_origin, origin: real_origin.max(before.newest), factor };
    Ok((Wall(ClockMode::Scaled(scale)), before))
}

fn before(config: &Config) -> Result<Before, Untried> {
    let mut client = Embedded::open(open::embedded(config, Arc::new(real_now))?)?.client();
    let mut before = Before::default();
    let inputs = detect_inputs(&config.topics).len();
    for (nth, topic) in detect_topics(&config.topics).iter().enumerate() {
        client.read(&topic.name, From::Start, true, Duration::ZERO, &mut |seen| {
            if let Some(seen) = seen {
                before.told += u64::from(nth < inputs);
                before.newest = before.newest.max(seen.appended_at);
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(before)
}

fn detect(config: &Config) -> Result<DetectSettings, Untried> {
    let mut encodings = Encodings::new(config);
    let names = &config.topics;
    let mut encoding = |record, topic: &str| await_registry(|| encodings.of(record, topic));
    Ok(DetectSettings {
        escalations: encoding(RecordType::Escalations, &names.escalations)?,
        shadow: encoding(RecordType::Escalations, &names.escalations_shadow)?,
        sla_events: encoding(RecordType::SlaEvents, &names.sla_events)?,
        queue: encoding(RecordType::EscalationQueue, &names.escalation_queue)?,
        schemas: encodings.source(),
        names: names.clone(),
        rules: Arc::clone(&config.rules),
        engine: config.engine(),
        max_future: config.time.max_future,
    })
}

fn score(config: &Config, metrics: &Metrics) -> Result<Option<ScoreSettings>, Untried> {
    let Some(scorer) = &config.scorer else { return Ok(None) };
    let mut encodings = Encodings::new(config);
    let names = &config.topics;
    Ok(Some(ScoreSettings {
        scorer: scoring::of(scorer, metrics),
        signals: await_registry(|| encodings.of(RecordType::Signals, &names.signals))?,
        schemas: encodings.source(),
        names: names.clone(),
        max_future: config.time.max_future,
        // What was said before the scorer was switched on must not page anybody now; a replay wants all of it.
        begin_at_the_end: config.time.start_quietly && config.time.clock != tierline_config::Clock::Events,
    }))
}

/// Asks until the registry answers: a restart while it is away waits for it, as a lane does, alive and not ready.
fn await_registry(mut ask: impl FnMut() -> Result<Encoding, RegistryError>) -> Result<Encoding, Untried> {
    let mut said = false;
    loop {
        match ask() {
            Ok(encoding) => return Ok(encoding),
            Err(error @ RegistryError::Unreachable { .. }) => {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(%error, "waiting for the schema registry");
                }
                std::thread::sleep(Duration::from_secs(1));
            }
            Err(error) => return Err(Untried::because(error.to_string())),
        }
    }
}

/// What only the cluster knows of its topics, and its lanes must.
struct Told {
    /// What a dead letter may have.
    dead_letter_bytes: usize,
    checkpoints: Option<Checkpoints>,
}

fn ask(config: &Config, log: &OpenLog) -> Result<Told, Untried> {
    let (usual, checkpoints) = (LaneSettings::default().dead_letter_bytes, config.work.checkpoints.clone());
    let OpenLog::Kafka(settings) = log else { return Ok(Told { dead_letter_bytes: usual, checkpoints }) };
    let admin = Admin::connect(settings)?;
    // A tenth less than the cluster takes, for what is around it.
    let taken = admin.max_message_bytes(&[&config.topics.dead_letters])?;
    let dead_letter_bytes = taken.first().map_or(usual, |taken| taken / 10 * 9).min(usual);
    // An older checkpoint may hold what was forgotten since, with nothing left in the changelog that says so.
    let kept = admin.tombstones_kept(&config.topics.detect_state)?;
    let void_after = |usual: Checkpoints| kept.map_or(usual.max_age, |kept| kept / 2);
    let checkpoints = checkpoints.map(|usual| Checkpoints { max_age: void_after(usual.clone()), ..usual });
    Ok(Told { dead_letter_bytes, checkpoints })
}
