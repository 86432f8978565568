//! Texts by chance: bytes, pieces of the language in any order, and queries with changes.
use super::{on_a_small_stack, prints, read};
use crate::functions::operators;
use crate::functions::{all, all_aggregates, all_windows};
use crate::syntax::kql;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use std::sync::Arc;

/// Runs a generator's texts and says how many there were.
fn each<S>(what: &'static str, texts: S)
where
    S: Strategy<Value = String> + Send + 'static,
{
    let told = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok());
    let cases = told.unwrap_or(250);
    // A plain run of the tests reads the same texts every time; new ones are looked for when many are asked for.
    let rng_seed = if told.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    on_a_small_stack(move || {
        let config = Config { cases, rng_seed, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
        let outcome = TestRunner::new(config)
            .run(&texts, |text| read(&text).and_then(|_| prints(&text)).map_err(TestCaseError::fail));
        match outcome {
            Ok(()) => eprintln!("{what}: {cases} texts"),
            Err(TestError::Fail(why, text)) => panic!("{what}: {why}\n{text}\n{text:?}"),
            Err(TestError::Abort(why)) => panic!("{what}: {why}"),
        }
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

/// Request lines of OData to begin from.
const LINES: &[&str] = &[
    "/api/alerts?$expand=evidence&$filter=lastUpdateTime gt 2026-11-01T00:00:00.0000000Z",
    "alerts?%24filter=incidentId+eq+1126093&%24expand=evidence",
    "Alerts?%24filter=%28contains%28title%2C%20%27it%27%27s%20%26%20co%27%29%29%20and%20%28severity%20eq%20%27Low%27%29",
    "alerts('da1_2')",
    "alerts/$count?$filter=status ne 'Resolved'",
    "machines?$filter=lastSeen gt 2018-08-01Z and startswith(computerDnsName, 'm') eq true",
    "alerts?$filter=not (status in ('New','InProgress'))&$top=10&$skip=20&$count=true",
    "alerts?$filter=evidence/any(e:e/entityType eq 'File' and e/sha1 ne null)&$select=id,title",
    "alerts?$filter=alertCreationTime add duration'PT1H' lt now() or 1.5e3 ge -2 mul 3&$orderby=severity desc,title",
    "alerts?$search=\"blue dog\" AND NOT cat OR mouse&$skiptoken=abc",
    "alerts?$filter=indexof(tolower(title),'é𝕏') sub 1 gt -1 and substring(title,1,2) eq concat('a','b')",
    "alerts?$apply=filter(severity eq 'High')/groupby((category),aggregate($count as n,incidentId with max as top))&$orderby=n desc",
    "alerts?$expand=evidence($filter=entityType eq 'File' and sha1 ne @x;$orderby=sha1 desc;$top=3;$select=sha1)&@x='a'",
    "alerts?$compute=length(title) mul 2 as letters,year(alertCreationTime) as y&$select=id,letters,relatedUser/userName",
    "DeviceProcessEvents/$filter(FileName has NS.E'a')/$count?$search=(a OR \"b c\") NOT d",
    "alerts?$filter=case(incidentId gt 5:true,true:false) and mitreTechniques/all(t:t in [\"T1\",\"T2\"]) and evidence/$count gt 2",
    "alerts?$apply=concat(topcount(3,incidentId),groupby((rollup(severity,title)),aggregate(incidentId with average as a)))",
    "alerts?$filter=geo.distance(a,geography'SRID=0;Point(1 2)') lt 5 or cast(incidentId,Edm.String) eq '5' or $it/id in ('a')",
];

#[test]
fn request_lines_with_changes() {
    const PIECES: &str = "eq ne gt ge lt le and or not in any( all( e: e/ contains( startswith( endswith( tolower( \
        length( now() year( cast( isof( add sub mul div mod -1 +1 1.5 null true false 'a' ' '' % %2 %27 %2B %E9 %C3%A9 & = \
        ? $filter= $top= $skip= $orderby= $select= $expand= $search= $count= $apply= $ / ( ) , : ; + * \" AND OR NOT \
        2026-11-01 2026-11-01T00:00:00Z duration'P1D' $compute= as $it $this $count( $filter( aggregate( groupby(( concat( \
        with sum from [ ] { } @a @a= case( ; has A.B'c' /$count /$ref has 07:00 INF binary'AA' identity $apply=top( title severity evidence status id alerts é 𝕏 \u{0} \u{feff}";
    let pieces: Vec<String> = PIECES.split_whitespace().map(str::to_owned).collect();
    let changes = vec((any::<prop::sample::Index>(), 0..5u8, select(pieces)), 0..6);
    let changed = (select(LINES), changes).prop_map(|(line, changes)| {
        let mut tokens = words(line);
        for (at, how, piece) in changes {
            if tokens.is_empty() {
                break;
            }
            let at = at.index(tokens.len());
            match how {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, piece),
                2 => tokens[at] = piece,
                3 => tokens.insert(at, format!(" {piece} ")),
                _ => tokens.truncate(at.max(3)),
            }
        }
        tokens.concat()
    });
    each("changed request lines", changed);
}
