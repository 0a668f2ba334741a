//! What each fault does when it strikes.

use std::rc::Rc;

use super::World;
use super::events::Event;
use super::process::{Armed, Blow, Pid};
use crate::cluster::Role;
use crate::plan::{Fault, Strike};

impl World {
    pub(super) fn strike(self: &Rc<Self>, place: usize) {
        let (_, fault) = self.plan.faults[place].clone();
        self.tell(|| format!("** {fault}"));
        let now = self.now.get();
        match fault {
            Fault::Crash { at, power, down } => self.arm(at, Blow::Die { power, down }),
            Fault::Freeze { at, length } => self.arm(at, Blow::Freeze { length, replaced: false }),
            Fault::Replace { at, length } => self.arm(at, Blow::Freeze { length, replaced: true }),
            Fault::Stop { instance, down } => self.stop(instance, down),
            Fault::Deploy { instance, rules } => {
                self.instances[instance].rules.set(rules);
                self.stop(instance, 300);
            }
            Fault::Rebalance => {
                let scores = (self.plan.scorers > 0).then_some(Role::Score);
                [Role::Detect].into_iter().chain(scores).for_each(|role| self.rebalance(role));
            }
            Fault::Slow { topic, length } => {
                self.slow.borrow_mut().insert(topic as usize, now + length);
            }
            Fault::Silence { length } => self.silent_until.set(now + length),
            Fault::LateMarkers { length } => self.late_markers_until.set(now + length),
            Fault::LostAnswer { instance, committed } => self.instances[instance].lost_answer.set(Some(committed)),
            Fault::WriteFails { instance } => self.instances[instance].write_fails.set(true),
            Fault::Jump { instance, by } => {
                let skew = &self.instances[instance].skew;
                // A clock that is ahead for ever would make everybody wait for it.
                skew.set((skew.get() + by).clamp(-30_000, 30_000));
            }
            Fault::Compact => self.compact(),
            Fault::Damage { instance, how } => {
                self.kill(instance, false, 300);
                self.instances[instance].disk.damage(how, &mut self.chance.borrow_mut());
            }
            Fault::Backup { instance, age } => self.back_up(instance, age),
            Fault::FullDisk { instance, length } => {
                self.instances[instance].disk.fill(true);
                self.at(now + length, Event::Room(instance));
            }
            Fault::Reset => self.reset(),
        }
    }

    fn arm(&self, at: Strike, blow: Blow) {
        if let Some(process) = self.current(at.instance) {
            process.armed.set(Some(Armed { calls: at.calls, after: at.after, blow }));
        }
    }

    /// A process dies where it stands: between two of its steps, or in a call.
    pub(super) fn kill(self: &Rc<Self>, instance: usize, power: bool, down: i64) {
        if let Some(process) = self.current(instance) {
            self.die(&process, power, down);
        }
    }

    fn back_up(&self, instance: usize, age: i64) {
        let copy = self.instances[instance].disk.copy();
        let backup = self.backups.borrow().len();
        self.backups.borrow_mut().push(copy);
        self.at(self.now.get() + age, Event::Restore(instance, backup));
    }

    pub(super) fn restore_backup(self: &Rc<Self>, instance: usize, backup: usize) {
        self.tell(|| format!("instance {instance} is killed, and its checkpoints are put back as they were"));
        self.compact();
        self.kill(instance, false, 200);
        self.instances[instance].disk.put_back(&self.backups.borrow()[backup]);
    }

    /// All die; what they wrote is deleted; all start again.
    fn reset(self: &Rc<Self>) {
        for instance in 0..self.instances.len() {
            // Somebody will find the former checkpoints, and put them back.
            self.back_up(instance, self.between(3_000, 12_000));
            self.kill(instance, false, 500);
        }
        // Zombies too: nobody may be left who knows what was.
        for process in self.running() {
            self.die(&process, false, 500);
        }
        self.cluster.borrow_mut().delete_outputs(Role::Detect);
        self.verdict.borrow_mut().begin_anew();
    }

    pub(super) fn current(&self, instance: usize) -> Option<Rc<super::process::Process>> {
        let Pid(place) = self.instances[instance].current.get()?;
        self.processes.borrow().get(place).cloned().filter(|process| process.is_alive())
    }
}
