//! How much a client may ask for: calls a minute and an hour, and the time that its queries run. Counters take the same
//! small memory whatever is counted, and there are only so many of them.
use super::permissions::Operation;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The largest number of clients that are counted at once; past it the one that has been quiet for longest is forgotten.
const MOST_CLIENTS: usize = 4096;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a client may use. 0 stands for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    pub alerts_per_minute: u32,
    pub alerts_per_hour: u32,
    pub create_per_minute: u32,
    pub batch_per_minute: u32,
    pub batch_per_hour: u32,
    pub hunting_per_minute: u32,
    pub hunting_per_hour: u32,
    /// Seconds that queries run, all together.
    pub hunting_seconds_per_hour: u32,
    pub hunting_seconds_per_day: u32,
    /// Attempts to get a token.
    pub tokens_per_minute: u32,
}

impl Default for Spending {
    /// As the services have it.
    fn default() -> Spending {
        Spending {
            alerts_per_minute: 100,
            alerts_per_hour: 1500,
            create_per_minute: 15,
            batch_per_minute: 10,
            batch_per_hour: 500,
            hunting_per_minute: 45,
            hunting_per_hour: 1500,
            hunting_seconds_per_hour: 600,
            hunting_seconds_per_day: 3 * 3600,
            tokens_per_minute: 60,
        }
    }
}

/// What is used up, and when there will be some again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    pub limit: String,
    /// Seconds.
    pub after: u64,
}

pub struct Quotas {
    spending: Spending,
    clients: Mutex<HashMap<Arc<str>, Counters>>,
}

/// What one client has used.
struct Counters {
    seen: Instant,
    windows: HashMap<(&'static str, Duration), Window>,
}

/// A sum over the last minute, hour or day, in sixty parts.
struct Window {
    part: Duration,
    began: Instant,
    /// The part that was added to last, counted from the beginning.
    newest: u64,
    parts: [u64; 60],
}

impl Window {
    fn new(span: Duration, now: Instant) -> Window {
        Window { part: span / 60, began: now, newest: 0, parts: [0; 60] }
    }

    fn advance(&mut self, now: Instant) {
        let at = self.number(now);
        let passed = at.saturating_sub(self.newest);
        for step in 1..=passed.min(60) {
            self.parts[((self.newest + step) % 60) as usize] = 0;
        }
        self.newest = self.newest.max(at);
    }

    fn number(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.began).as_millis() / self.part.as_millis().max(1)) as u64
    }

    fn sum(&self) -> u64 {
        self.parts.iter().sum()
    }

    fn add(&mut self, amount: u64) {
        self.parts[(self.newest % 60) as usize] += amount;
    }

    /// How long until the sum is below the limit, if nothing is added.
    fn until_below(&self, limit: u64, now: Instant) -> Duration {
        let mut left = self.sum();
        for step in 1..=60u64 {
            // The oldest part is the one behind the newest in the ring.
            left -= self.parts[((self.newest + step) % 60) as usize];
            if left < limit {
                let ends = self.part * u32::try_from(self.newest + step).unwrap_or(u32::MAX);
                return (self.began + ends).saturating_duration_since(now);
            }
        }
        self.part * 60
    }
}

struct Rule {
    what: &'static str,
    span: Duration,
    limit: u32,
    /// Counted in thousandths of a second, not in calls.
    time: bool,
}

impl Rule {
    fn words(&self) -> String {
        let span = if self.span == MINUTE {
            "minute"
        } else if self.span == HOUR {
            "hour"
        } else {
            "day"
        };
        if self.time {
            format!("{} seconds of run time of hunting queries per {span}", self.limit)
        } else {
            format!("{} {} per {span}", self.limit, self.what)
        }
    }
}

const ALERTS: &str = "calls of the alerts APIs";
const CREATE: &str = "alerts created";
const BATCH: &str = "batch updates";
const HUNTING: &str = "hunting queries";
const TIME: &str = "run time";
const TOKENS: &str = "requests for a token";

impl Quotas {
    pub fn new(spending: Spending) -> Quotas {
        Quotas { spending, clients: Mutex::default() }
    }

    /// Counts one call, if there is one left.
    pub fn call(&self, client: &Arc<str>, operation: Operation) -> Result<(), Exceeded> {
        let now = Instant::now();
        let rule = |what, span, limit| Rule { what, span, limit, time: false };
        let spending = &self.spending;
        match operation {
            Operation::Documents => Ok(()),
            Operation::Alerts => self.count(
                client,
                &[rule(ALERTS, MINUTE, spending.alerts_per_minute), rule(ALERTS, HOUR, spending.alerts_per_hour)],
                now,
            ),
            Operation::CreateAlert => self.count(client, &[rule(CREATE, MINUTE, spending.create_per_minute)], now),
            Operation::BatchUpdate => self.count(
                client,
                &[rule(BATCH, MINUTE, spending.batch_per_minute), rule(BATCH, HOUR, spending.batch_per_hour)],
                now,
            ),
            Operation::Hunting => {
                let time = |span, limit| Rule { what: TIME, span, limit, time: true };
                self.count(
                    client,
                    &[
                        rule(HUNTING, MINUTE, spending.hunting_per_minute),
                        rule(HUNTING, HOUR, spending.hunting_per_hour),
                        time(HOUR, spending.hunting_seconds_per_hour),
                        time(DAY, spending.hunting_seconds_per_day),
                    ],
                    now,
                )
            }
        }
    }

    /// Counts an attempt to get a token, whoever makes it.
    pub fn token(&self, client: &str) -> Result<(), Exceeded> {
        let limit = self.spending.tokens_per_minute;
        let client: Arc<str> = client.chars().take(64).collect::<String>().into();
        self.count(&client, &[Rule { what: TOKENS, span: MINUTE, limit, time: false }], Instant::now())
    }

    /// Counts how long a query ran.
    pub fn ran(&self, client: &Arc<str>, time: Duration) {
        let now = Instant::now();
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.with(client, now, |counters| {
            for span in [HOUR, DAY] {
                let window = counters.windows.entry((TIME, span)).or_insert_with(|| Window::new(span, now));
                window.advance(now);
                window.add(millis);
            }
        });
    }

    fn count(&self, client: &Arc<str>, rules: &[Rule], now: Instant) -> Result<(), Exceeded> {
        self.with(client, now, |counters| {
            let rules = || rules.iter().filter(|rule| rule.limit > 0);
            for rule in rules() {
                let window =
                    counters.windows.entry((rule.what, rule.span)).or_insert_with(|| Window::new(rule.span, now));
                window.advance(now);
                let limit = u64::from(rule.limit) * if rule.time { 1000 } else { 1 };
                if window.sum() >= limit {
                    let after = window.until_below(limit, now).as_secs() + 1;
                    return Err(Exceeded { limit: rule.words(), after });
                }
            }
            // A refused call counts nowhere.
            for rule in rules().filter(|rule| !rule.time) {
                if let Some(window) = counters.windows.get_mut(&(rule.what, rule.span)) {
                    window.add(1);
                }
            }
            Ok(())
        })
    }

    fn with<T>(&self, client: &Arc<str>, now: Instant, work: impl FnOnce(&mut Counters) -> T) -> T {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_CLIENTS && !clients.contains_key(client) {
            let quiet = clients.iter().min_by_key(|(_, counters)| counters.seen).map(|(client, _)| Arc::clone(client));
            quiet.and_then(|quiet| clients.remove(&quiet));
        }
        let counters =
            clients.entry(Arc::clone(client)).or_insert_with(|| Counters { seen: now, windows: HashMap::new() });
        counters.seen = now;
        work(counters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_back_when_their_part_of_the_window_has_passed() {
        let quotas = Quotas::new(Spending::default());
        let (client, began): (Arc<str>, _) = ("c".into(), Instant::now());
        let rule = [Rule { what: ALERTS, span: MINUTE, limit: 3, time: false }];
        let at = |seconds| began + Duration::from_secs(seconds);
        for seconds in [0, 10, 20] {
            assert_eq!(quotas.count(&client, &rule, at(seconds)), Ok(()));
        }
        let exceeded = quotas.count(&client, &rule, at(30)).unwrap_err();
        assert_eq!(exceeded, Exceeded { limit: "3 calls of the alerts APIs per minute".into(), after: 31 });
        assert!(quotas.count(&client, &rule, at(59)).is_err());
        assert_eq!(quotas.count(&client, &rule, at(60)), Ok(()));
        assert!(quotas.count(&client, &rule, at(61)).is_err());
        assert_eq!(quotas.count(&client, &rule, at(600)), Ok(()));
    }

    #[test]
    fn only_so_many_clients_are_counted_at_once() {
        let quotas = Quotas::new(Spending::default());
        for client in 0..MOST_CLIENTS + 10 {
            quotas.call(&client.to_string().into(), Operation::Alerts).unwrap();
        }
        assert_eq!(quotas.clients.lock().unwrap().len(), MOST_CLIENTS);
    }

    #[test]
    fn run_time_is_one_of_the_limits() {
        let quotas = Quotas::new(Spending { hunting_seconds_per_hour: 2, ..Spending::default() });
        let client = "c".into();
        quotas.ran(&client, Duration::from_millis(1500));
        assert_eq!(quotas.call(&client, Operation::Hunting), Ok(()));
        quotas.ran(&client, Duration::from_millis(600));
        let exceeded = quotas.call(&client, Operation::Hunting).unwrap_err();
        assert_eq!(exceeded.limit, "2 seconds of run time of hunting queries per hour");
        assert_eq!(quotas.call(&client, Operation::Alerts), Ok(()));
    }
}
