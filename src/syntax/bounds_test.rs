//! What no text may do, whatever it is: end the process, overflow the stack of a worker, or take long. The lexer, the
//! parsers and the binders of both languages read made-up texts on a small stack.
//!
//! `SIGHTHOUND_INPUTS` says how many random texts each generator makes.
use crate::bind::alerts::Stored;
use crate::bind::{self, Context};
use crate::catalog::Known;
use crate::functions::operators;
use crate::functions::{all, all_aggregates, all_windows};
use crate::syntax::{kql, odata};
use crate::text::{Source, render};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

const STACK: usize = 2 << 20;
/// Code that is not optimised is slower.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });
/// Nor does it read texts of the full size: what goes with the square of the size shows at a part of it, too.
const PART: usize = if cfg!(debug_assertions) { 50 } else { 1 };
const DEEP: usize = 100_000 / PART;
const NOW: i64 = 639_028_224_000_000_000;

/// The time that this thread has had of a processor, where the system tells it: others work on the machine, too.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = stat.and_then(|stat| stat.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Everything that happens to a text before a plan is made.
fn read(text: &str) {
    let began = clock();
    let source = Source::new(text);
    let context = Context { tables: &Known, now: NOW, parameters: &[], data: None, saved: &[] };
    let told = match kql::parse(&source).into_result() {
        Ok(tree) => bind::kql(&tree, &context).err(),
        Err(faults) => Some(faults),
    };
    let shown = told.map(|faults| render::render(&source, &faults)).unwrap_or_default();
    let after_kql = clock().saturating_sub(began);
    let bound = odata::parse(&source).and_then(|line| bind::odata(&line, &context, Stored::of(|_| false)));
    drop(bound);
    let took = clock().saturating_sub(began);
    let from: String = text.chars().take(60).collect();
    if std::env::var_os("SIGHTHOUND_TIMES").is_some() && took > Duration::from_millis(50) {
        let shown = shown.lines().next().unwrap_or_default();
        eprintln!("{:>8} bytes {after_kql:>10.1?} of {took:>10.1?}: {from} ({shown})", text.len());
    }
    assert!(took < LONGEST, "{took:?} for {} bytes: {from}", text.len());
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

/// Runs a generator's texts and says how many there were.
fn each<S>(what: &'static str, texts: S)
where
    S: Strategy<Value = String> + Send + 'static,
{
    let cases = std::env::var("SIGHTHOUND_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1000);
    on_a_small_stack(move || {
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
        let outcome = TestRunner::new(config).run(&texts, |text| {
            read(&text);
            Ok(())
        });
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        eprintln!("{what}: {cases} texts");
    });
}

/// Queries to begin from: those of the tests, the examples of all functions, and the published ones where they are.
fn seeds() -> Arc<Vec<String>> {
    let mut seeds: Vec<String> = Vec::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kql");
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        seeds.extend(text.split("```kql\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned));
    }
    seeds.extend(all().flat_map(|one| one.examples).map(|(text, _)| format!("print v = {text}")));
    seeds.extend(all_aggregates().flat_map(|one| one.examples).map(|(text, _)| (*text).to_owned()));
    seeds.extend(all_windows().flat_map(|one| one.examples).map(|(text, _)| (*text).to_owned()));
    seeds.extend(kql::agreement::cases().into_iter().map(|(_, query, _)| query));
    Arc::new(seeds)
}

/// Pieces of texts: every operator and function by name, the words of the language, all punctuation, odd literals.
fn pieces() -> Vec<String> {
    const PIECES: &str = "where project extend summarize by join on union take top sort order asc desc nulls first last \
        let set declare pattern query_parameters materialize toscalar totable evaluate mv-expand mv-apply parse \
        parse-where parse-kv with kind = make-series default from to step in range datatable externaldata print render \
        search find partition scan match_id fork facet sample sample-distinct count distinct getschema serialize invoke \
        consume as lookup reduce top-nested of top-hitters project-away project-keep project-rename project-reorder \
        limit isfuzzy withsource hint.strategy view assert bag_unpack pivot narrow | || ; , . .. ( ) [ ] { } : :: => \
        == != <> =~ !~ < <= > >= + - * / % ? ! @ # $ ~ ` ``` \\ ' \" ''' \"\"\" /* // *** true false null dynamic( \
        datetime( 2020-01-01 timespan( 1d 1.5h 2tick guid( long(null) real(nan) real(+inf) decimal(1e5) int( bool( time( \
        0x 0xff 1e 1e400 9223372036854775807 9223372036854775808 -9223372036854775808 .5 5. 1..2 @'a\\' h'x' 'a' \"b\" \
        $left $right $left.a $right.a T DeviceProcessEvents DeviceEvents AlertInfo Timestamp FileName ReportId \
        AdditionalFields DeviceId x y a b _ __ é ß 𝕏 \u{200b} \u{feff} \u{0} \t \n [* *] a* {\"a\": database('x') \
        cluster('y') workspace('z') alerts?$filter= eq and or not $top=5 $orderby= severity alerts";
    let mut pieces: Vec<String> = PIECES.split(' ').map(str::to_owned).collect();
    pieces.extend(operators::ALL.iter().map(|operator| operator.symbol.to_owned()));
    pieces.extend(all().flat_map(|one| one.names).map(|name| format!("{name}(")));
    pieces.extend(all_aggregates().flat_map(|one| one.names).map(|name| format!("{name}(")));
    pieces.extend(all_windows().flat_map(|one| one.names).map(|name| format!("{name}(")));
    pieces
}

#[test]
fn bytes() {
    each("bytes", vec(any::<u8>(), 0..300).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
}

#[test]
fn soups_of_tokens() {
    let soup = vec((select(pieces()), prop::bool::weighted(0.8)), 0..60).prop_map(|pieces| {
        let text: Vec<String> = pieces.into_iter().map(|(one, gap)| if gap { one + " " } else { one }).collect();
        text.concat()
    });
    each("soups", soup);
}

#[test]
fn pipelines_of_soups() {
    let words = "where extend project summarize sort top take join union mv-expand parse distinct count project-away \
        make-series mv-apply evaluate serialize partition scan search render";
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let stage =
        (select(words), vec(select(pieces()), 0..8)).prop_map(|(word, rest)| format!("{word} {}", rest.join(" ")));
    each("pipelines", vec(stage, 1..6).prop_map(|stages| format!("DeviceEvents | {}", stages.join(" | "))));
}

#[test]
fn queries_with_changes() {
    let seeds = seeds();
    let pieces = Arc::new(pieces());
    let changes = vec((any::<prop::sample::Index>(), 0..7u8, any::<prop::sample::Index>()), 1..6);
    let changed = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), changes).prop_map(
        move |(seed, other, changes)| {
            let mut tokens = words(&seeds[seed.index(seeds.len())]);
            let other = words(&seeds[other.index(seeds.len())]);
            for (at, how, with) in changes {
                if tokens.is_empty() || other.is_empty() {
                    break;
                }
                let at = at.index(tokens.len());
                match how {
                    0 => drop(tokens.remove(at)),
                    1 => tokens.insert(at, pieces[with.index(pieces.len())].clone()),
                    2 => tokens[at] = pieces[with.index(pieces.len())].clone(),
                    3 => {
                        let to = with.index(tokens.len());
                        tokens.swap(at, to);
                    }
                    4 => tokens.truncate(at),
                    5 => tokens.insert(at, other[with.index(other.len())].clone()),
                    _ => {
                        let from = with.index(other.len());
                        let piece: Vec<String> = other[from..].iter().take(12).cloned().collect();
                        tokens.splice(at..at, piece);
                    }
                }
            }
            tokens.concat()
        },
    );
    each("changed queries", changed);
}

/// A text in pieces of one kind each: letters and digits, blanks, single other characters.
fn words(text: &str) -> Vec<String> {
    let kind = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut words: Vec<String> = Vec::new();
    let mut last = 3;
    for c in text.chars() {
        let this = kind(c);
        match words.last_mut() {
            Some(word) if this == last && this != 2 => word.push(c),
            _ => words.push(c.into()),
        }
        last = this;
    }
    words
}

#[test]
fn nesting() {
    on_a_small_stack(|| {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{", "1", "}"),
            ("-", "1", ""),
            ("- ", "1", ""),
            ("+", "1", ""),
            ("not(", "true", ")"),
            ("iff(true, ", "1", ", 2)"),
            ("f(", "1", ")"),
            ("a[", "1", "]"),
            ("a.b[", "1", "]"),
            ("a['", "b", "']"),
            ("dynamic(", "1", ")"),
            ("dynamic([", "1", "])"),
            ("toscalar(print ", "1", ")"),
            ("toscalar(", "DeviceEvents | count", ")"),
            ("totable(", "DeviceEvents", ")"),
            ("materialize(", "DeviceEvents", ")"),
            ("case(true, ", "1", ", 2)"),
            ("x = (", "1", ")"),
            ("1 in (", "1", ")"),
            ("1 between (1 .. ", "1", ")"),
            ("1 + (", "1", ")"),
            ("1 and (", "1", ")"),
            ("1 == (", "1", ")"),
            ("'a' has (", "1", ")"),
            ("union (", "DeviceEvents", ")"),
            ("print (", "1", ")"),
            ("print x = toscalar(", "print 1", ")"),
            ("DeviceEvents | join (", "DeviceInfo", ") on DeviceId"),
            ("DeviceEvents | lookup (", "DeviceInfo", ") on DeviceId"),
            ("DeviceEvents | union (", "DeviceInfo", ")"),
            ("DeviceEvents | where DeviceId in (", "DeviceInfo", ")"),
            ("DeviceEvents | mv-apply AdditionalFields on (", "take 1", ")"),
            ("DeviceEvents | partition by DeviceId (", "take 1", ")"),
            ("DeviceEvents | partition by DeviceId {", "DeviceEvents", "}"),
            ("DeviceEvents | fork (", "take 1", ")"),
            ("DeviceEvents | facet by DeviceId with (", "take 1", ")"),
            ("partition by DeviceId (", "take 1", ")"),
            ("mv-apply AdditionalFields on (", "take 1", ")"),
            ("let f = () {", "1", "}; "),
            ("{ let a = ", "1", "; }"),
            ("let a = materialize(", "DeviceEvents", "); "),
            ("(DeviceEvents | ", "take 1", ")"),
            ("'", "a", ""),
            ("/*", "a", "*/"),
            ("```", "a", "```"),
        ] {
            for before in ["", "print x = "] {
                read(&format!("{before}{}{inner}", open.repeat(DEEP)));
                read(&format!("{before}{}{inner}{}", open.repeat(DEEP), close.repeat(DEEP)));
            }
        }
        for (before, open, inner, close) in [
            ("print dynamic(", "[", "1", "]"),
            ("print dynamic(", "{\"a\":", "1", "}"),
            ("print parse_json('", "[", "1", "]"),
            ("print parse_json('", "{\"a\":", "1", "}"),
            ("print parse_xml('", "<a>", "1", "</a>"),
            ("print 'a' matches regex '", "(", "a", ")"),
            ("print 'a' matches regex '", "(?:", "a", ")"),
            ("alerts?$filter=", "(", "true", ")"),
            ("alerts?$filter=", "not ", "true", ""),
            ("alerts?$filter=", "not(", "true", ")"),
            ("alerts?$filter=", "evidence/any(e:", "true", ")"),
            ("alerts?$filter=", "tolower(", "title", ")"),
            ("alerts?$filter=", "-", "1", ""),
            ("alerts?$expand=", "a($expand=", "b", ")"),
        ] {
            let end = if before.ends_with('\'') {
                "')"
            } else if before.ends_with('(') {
                ")"
            } else {
                ""
            };
            read(&format!("{before}{}{inner}{end}", open.repeat(DEEP)));
            read(&format!("{before}{}{inner}{}{end}", open.repeat(DEEP), close.repeat(DEEP)));
        }
    });
}
