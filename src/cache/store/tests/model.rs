//! What a store promises, said in the slowest way.

use super::{Coming, Limits};

pub(super) struct Model {
    limits: Limits,
    entries: Vec<Entry>,
    /// Every value that was made, with what is left of its uses.
    left: Vec<(u64, Option<u64>)>,
    loads: Vec<(u8, u64)>,
    began: Vec<(u64, Time)>,
    now: Time,
    latest: Option<Time>,
    count: u64,
}

#[derive(Clone, Copy)]
struct Time {
    wall: i64,
    steady: i64,
}

struct Entry {
    key: u8,
    id: u64,
    bytes: usize,
    began: Time,
    lifetime: i64,
    used: u64,
}

impl Entry {
    fn holds(&self, now: Time) -> bool {
        let wall = now.wall - self.began.wall;
        wall >= -1 && wall < self.lifetime && now.steady - self.began.steady < self.lifetime
    }
}

impl Model {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: Vec::new(),
            left: Vec::new(),
            loads: Vec::new(),
            began: Vec::new(),
            now: Time { wall: 0, steady: 0 },
            latest: None,
            count: 0,
        }
    }

    /// The values that are kept, oldest first.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<_> = self.entries.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn pass(&mut self, wall: i64, steady: u64) {
        self.now.wall += wall;
        self.now.steady += i64::try_from(steady).unwrap();
    }

    fn sweep(&mut self) {
        let now = self.now;
        let latest = self.latest.unwrap_or(now);
        self.latest = Some(now);
        if latest.wall - now.wall > 1 {
            self.flush();
            return;
        }
        let wall = now.wall.max(latest.wall);
        self.latest = Some(Time { wall, ..now });
        self.entries.retain(|entry| entry.holds(now));
    }

    pub(super) fn get(&mut self, key: u8) -> Option<u64> {
        self.sweep();
        self.count += 1;
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        entry.used = self.count;
        let id = entry.id;
        self.claim_again(id)
    }

    pub(super) fn claim_again(&mut self, id: u64) -> Option<u64> {
        let (_, left) = self.left.iter_mut().find(|(other, _)| *other == id)?;
        let claimed = *left != Some(0);
        *left = left.map(|left| left.saturating_sub(1));
        if *left == Some(0) {
            self.entries.retain(|entry| entry.id != id);
        }
        claimed.then_some(id)
    }

    pub(super) fn insert(&mut self, key: u8, id: u64, coming: Coming) {
        self.sweep();
        self.loads.retain(|(other, _)| *other != key);
        self.entries.retain(|entry| entry.key != key);
        self.left.push((id, self.limits.uses));
        self.admit(key, id, coming, self.now);
    }

    pub(super) fn begin(&mut self, key: u8) -> u64 {
        self.count += 1;
        self.loads.retain(|(other, _)| *other != key);
        self.loads.push((key, self.count));
        self.began.push((self.count, self.now));
        self.count
    }

    fn end(&mut self, key: u8, load: u64) -> bool {
        let before = self.loads.len();
        self.loads.retain(|other| *other != (key, load));
        self.loads.len() < before
    }

    pub(super) fn land(&mut self, key: u8, load: u64, id: u64, coming: Coming, claims: bool) {
        self.sweep();
        let left = self.limits.uses;
        self.left
            .push((id, left.map(|left| left - u64::from(claims))));
        let began = self.began.iter().find(|(other, _)| *other == load);
        let began = began.unwrap().1;
        if self.end(key, load) {
            self.entries.retain(|entry| entry.key != key);
            self.admit(key, id, coming, began);
        }
    }

    pub(super) fn fail(&mut self, key: u8, load: u64, refused: bool) {
        if self.end(key, load) && refused {
            self.entries.retain(|entry| entry.key != key);
        }
    }

    pub(super) fn flush(&mut self) {
        self.loads.clear();
        self.entries.clear();
    }

    fn admit(&mut self, key: u8, id: u64, coming: Coming, began: Time) {
        self.count += 1;
        let ttl = self.limits.ttl.as_secs();
        let lifetime = coming.valid_for.unwrap_or(ttl).min(ttl);
        let entry = Entry {
            key,
            id,
            bytes: coming.bytes,
            began,
            lifetime: i64::try_from(lifetime).unwrap(),
            used: self.count,
        };
        let fits = self.limits.bytes.is_none_or(|bound| entry.bytes <= bound);
        let is_used_up = self.left.contains(&(id, Some(0)));
        if !fits || is_used_up || !entry.holds(self.now) || self.limits.entries == 0 {
            return;
        }
        self.entries.push(entry);
        while self.entries.len() > self.limits.entries || self.is_too_large() {
            let oldest = self.entries.iter().map(|entry| entry.used).min();
            self.entries.retain(|entry| Some(entry.used) != oldest);
        }
    }

    fn is_too_large(&self) -> bool {
        let bytes = self.entries.iter().map(|entry| entry.bytes).sum();
        self.limits.bytes.is_some_and(|bound: usize| bound < bytes)
    }
}
