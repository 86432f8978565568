//! What one query may use, and how it ends when it uses more.
use std::time::Duration;

/// What one query may use. Past one of them it ends with [`Refused`]; the server goes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub rows: u64,
    pub bytes: u64,
    pub time: Duration,
    /// Bytes of working memory.
    pub memory: usize,
}

/// Working memory of one query. Sorts and aggregations that need more spill; what cannot is refused.
const MEMORY: usize = 2 << 30;

impl Limits {
    /// The hunting APIs: 100,000 rows, 124 MB, three minutes.
    pub const HUNTING: Limits =
        Limits { rows: 100_000, bytes: 124 << 20, time: Duration::from_secs(180), memory: MEMORY };
    /// The Kusto protocol's defaults: 500,000 rows, 64 MB, four minutes.
    pub const KUSTO: Limits = Limits { rows: 500_000, bytes: 64 << 20, time: Duration::from_secs(240), memory: MEMORY };
    /// The alerts API: 10,000 alerts a page.
    pub const ALERTS: Limits = Limits { rows: 10_001, bytes: 256 << 20, time: Duration::from_secs(60), memory: MEMORY };
    /// The command line: the owner sits at the machine.
    pub const SHELL: Limits =
        Limits { rows: u64::MAX, bytes: u64::MAX, time: Duration::from_secs(24 * 3600), memory: MEMORY };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Rows(u64),
    Bytes(u64),
    /// An operator that sees its rows one by one, all of them, was given more.
    AtOnce(u64),
    Time(Duration),
    Memory(usize),
    /// Too many queries at once.
    Busy,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Rows(most) => write!(f, "the answer has more than {most} rows"),
            Refused::Bytes(most) => write!(f, "the answer has more than {most} bytes"),
            Refused::AtOnce(most) => write!(
                f,
                "one of the operators goes through its rows one by one, and no more than {most} of them: \
                 filter, project or summarize before it"
            ),
            Refused::Time(most) => write!(f, "the query ran for more than {} seconds", most.as_secs_f64()),
            Refused::Memory(most) => write!(f, "the query needs more than {most} bytes of memory"),
            Refused::Busy => f.write_str("too many queries run at once"),
        }
    }
}

impl std::error::Error for Refused {}
