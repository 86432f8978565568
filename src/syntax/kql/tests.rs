//! Trees and messages, by example.
use super::{MAX_LENGTH, parse};
use crate::text::{Source, render};
use proptest::prelude::*;

fn printed(text: &str) -> String {
    let source = Source::new(text);
    match parse(&source).into_result() {
        Ok(tree) => tree.to_string(),
        Err(wrong) => render::render(&source, &wrong),
    }
}

/// The tree of an expression, every operator in parentheses.
fn shape(text: &str) -> String {
    use super::ast::{Expr, ExprKind, Statement};
    fn shape(expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Binary { op, left, right, .. } => format!("({} {op} {})", shape(left), shape(right)),
            ExprKind::Chain { op, terms } => {
                format!("({})", terms.iter().map(shape).collect::<Vec<_>>().join(&format!(" {op} ")))
            }
            ExprKind::Unary { op, expr } => format!("({op} {})", shape(expr)),
            ExprKind::Parenthesised(inner) => format!("[{}]", shape(inner)),
            ExprKind::In { op, left, terms, .. } => {
                format!("({} {op} {})", shape(left), terms.iter().map(shape).collect::<Vec<_>>().join(","))
            }
            ExprKind::Between { op, left, low, high } => {
                format!("({} {op} {}..{})", shape(left), shape(low), shape(high))
            }
            _ => expr.to_string(),
        }
    }
    match parse(&Source::new(text)).into_result() {
        Ok(query) => match query.statements.as_slice() {
            [Statement::Result(expr)] => shape(expr),
            other => format!("{other:?}"),
        },
        Err(wrong) => wrong.iter().map(|one| format!("{} @{}", one.message, one.span.start)).collect(),
    }
}

#[test]
fn operators_bind_as_in_the_reference() {
    insta::assert_snapshot!(shape("a or b and c and d or e"), @"(a or (b and c and d) or e)");
    insta::assert_snapshot!(shape("a + b * -c - d % 2"), @"((a + (b * (unary- c))) - (d % 2))");
    insta::assert_snapshot!(shape("a has 'x' + b =~ c * d"), @r#"((a has "x") + ((b =~ c) * d))"#);
    insta::assert_snapshot!(shape("a < b + 1 == c and x !in~ (1, y) or z between (1 .. 2)"),
        @"((((a < (b + 1)) == c) and (x !in~ 1,y)) or (z between 1..2))");
    insta::assert_snapshot!(shape("a == b == c"), @"expected `|`, found `==` @7");
    insta::assert_snapshot!(shape("* has 'x' and (a <> b) or c : 'd'"), @r#"(((* has "x") and [(a != b)]) or (c has "d"))"#);
    insta::assert_snapshot!(shape("- 9223372036854775808"), @"long(-9223372036854775808)");
}

#[test]
fn paths_calls_and_literals() {
    insta::assert_snapshot!(printed(r#"print d.a['b'][0].["c"], f(x = 1, *), database('d').T.g(2)"#),
        @r#"print d.a["b"][0].["c"], f(x = 1, *), database("d").T.g(2)"#);
    insta::assert_snapshot!(printed("print 1, 0x10, 1.5e3, 2h, 'a' \"b\", @'c\\', h'd', true, int(5), long(null), real(-inf)"),
        @r#"print 1, 16, 1500.0, timespan(02:00:00), "ab", "c\\", "d", true, int(5), long(null), real(-inf)"#);
    insta::assert_snapshot!(printed("print datetime(2020-01-01 10:00), datetime(2025, 6, 14), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), time(1.02:03:04)"),
        @"print datetime(2020-01-01T10:00:00.0000000Z), datetime(2025-06-14T00:00:00.0000000Z), guid(74be27de-1e4e-49d9-b579-fe0b331d3642), timespan(1.02:03:04)");
    insta::assert_snapshot!(printed(r#"print dynamic({'a': [1, -2.5, null, true, 1h], "b": "c" "d"}), dynamic(null)"#),
        @r#"print dynamic({"a":[1,-2.5,null,true,"01:00:00"],"b":"cd"}), dynamic(null)"#);
}

#[test]
fn two_broken_stages_are_two_diagnostics() {
    insta::assert_snapshot!(printed("T | where a == | extend b = 1 | take | project c,"), @r"
    error[K0010]: expected an expression, found `|`
     --> query:1:16
      |
    1 | T | where a == | extend b = 1 | take | project c,
      |                ^

    error[K0010]: expected an expression, found `|`
     --> query:1:38
      |
    1 | T | where a == | extend b = 1 | take | project c,
      |                                      ^

    error[K0010]: expected an expression, found the end
     --> query:1:50
      |
    1 | T | where a == | extend b = 1 | take | project c,
      |                                                  ^
    ");
    insta::assert_snapshot!(printed("let a = (x:strin) { x };\nT | foo | extend first = 1 | top 5 b; T)"), @r"
    error[K0010]: expected a type, found `strin`
     --> query:1:12
      |
    1 | let a = (x:strin) { x };
      |            ^^^^^

    error[K0010]: expected an operator, found `foo`
     --> query:2:5
      |
    2 | T | foo | extend first = 1 | top 5 b; T)
      |     ^^^

    error[K0106]: `first` is a word of the language and no name by itself
     --> query:2:18
      |
    2 | T | foo | extend first = 1 | top 5 b; T)
      |                  ^^^^^
      = help: write `['first']`

    error[K0010]: expected `by`, found `b`
     --> query:2:36
      |
    2 | T | foo | extend first = 1 | top 5 b; T)
      |                                    ^

    error[K0010]: expected `|`, found `)`
     --> query:2:40
      |
    2 | T | foo | extend first = 1 | top 5 b; T)
      |                                        ^
    ");
}

#[test]
fn messages_say_what_was_wanted() {
    insta::assert_snapshot!(printed("T | sort a"), @r"
    error[K0010]: expected `by`, found `a`
     --> query:1:10
      |
    1 | T | sort a
      |          ^
    ");
    insta::assert_snapshot!(printed("T | where x in 5"), @r"
    error[K0010]: expected `(`, found `5`
     --> query:1:16
      |
    1 | T | where x in 5
      |                ^
    ");
    insta::assert_snapshot!(printed("T | where a && b"), @r"
    error[K0001]: `&` is not a character of the language
     --> query:1:13
      |
    1 | T | where a && b
      |             ^^
      = help: write `and`
    ");
    insta::assert_snapshot!(printed("T | where a == 1 || b"), @r"
    error[K0010]: expected an operator, found `|`
     --> query:1:19
      |
    1 | T | where a == 1 || b
      |                   ^
      = help: write `or`

    error[K0010]: expected an operator, found `b`
     --> query:1:21
      |
    1 | T | where a == 1 || b
      |                     ^
    ");
    insta::assert_snapshot!(printed("T | extend x = time"), @r"
    error[K0010]: expected an expression, found `time`
     --> query:1:16
      |
    1 | T | extend x = time
      |                ^^^^
      = help: a name that is a word of the language is written `['time']`
    ");
    insta::assert_snapshot!(printed("T | where a == 'x\n| take 1"), @r"
    error[K0002]: the string lacks its closing `'`
     --> query:1:16
      |
    1 | T | where a == 'x
      |                ^^
    ");
    insta::assert_snapshot!(printed("print datetime(yesterday"), @r"
    error[K0003]: expected `)`
     --> query:1:25
      |
    1 | print datetime(yesterday
      |                         ^
      = help: close the literal `datetime(`
    ");
    insta::assert_snapshot!(printed(" // nothing"), @r"
    error[K0013]: the text holds no query
     --> query:1:1
      |
    1 |  // nothing
      | ^^^^^^^^^^^
    ");
}

#[test]
fn depth_and_length_are_bounded() {
    // Less than the stack of a server's worker.
    let run = || {
        let deep = |open: &str, close: &str, times: usize| {
            let text = format!("print {}1{}", open.repeat(times), close.repeat(times));
            parse(&Source::new(text)).into_result().map(|_| ()).map_err(|wrong| wrong[0].code.id)
        };
        for (open, close) in [("(", ")"), ("f(", ")"), ("a[", "]"), ("toscalar(print ", ")"), ("dynamic(", ")")] {
            assert_eq!(deep(open, close, 30), Ok(()), "{open}");
            assert_eq!(deep(open, close, 5_000), Err("K0011"), "{open}");
        }
        let chain = |link: &str, times: usize| {
            let text = format!("print x{}", link.repeat(times));
            parse(&Source::new(text)).into_result().map(|_| ()).map_err(|wrong| wrong[0].code.id)
        };
        for link in [" and y", " or y == 1", " and y has 'z' + 1", " | extend a = 1", ", f(x.y) + 1", " in (1) or z"] {
            assert_eq!(chain(link, 10_000), Ok(()), "{link}");
        }
        assert_eq!(chain(" + 1", 300), Ok(()));
        assert_eq!(chain(" + 1", 10_000), Err("K0011"));
        assert_eq!(chain(".a", 10_000), Err("K0011"));
        for link in [" and (y", " or 1 + 2 * a has (y", " in (print x = (y", " | join (T", " | mv-apply a on (take 1"] {
            assert_eq!(chain(link, 5_000), Err("K0011"), "{link}");
        }
        let long = Source::new(" ".repeat(MAX_LENGTH + 1));
        assert_eq!(parse(&long).diagnostics[0].code.id, "K0012");
    };
    let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(run);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

proptest! {
    #[test]
    fn any_text_gets_an_answer(text in "[a-zT ]{0,4}\\PC{0,40}|([|(){},.=*'\"a1 ]|where|let|by|join|union|summarize){0,30}") {
        let source = Source::new(text);
        let parsed = parse(&source);
        if parsed.diagnostics.is_empty() {
            let printed = parsed.query.to_string();
            prop_assert!(printed.contains('…') || parse(&Source::new(printed.as_str())).query == parsed.query, "{}", printed);
        } else {
            render::render(&source, &parsed.diagnostics);
        }
    }
}
