//! Statements and pipelines.
//! <https://learn.microsoft.com/kusto/query/statements>
use super::ast::{Expr, ExprKind, Lambda, Let, LetValue, Operator, OperatorKind, Parameter, ParameterType, Statement};
use super::expr::{expression, level_expression, query_call};
use super::literal::literal;
use super::names::{column_decl, column_type, label, name, reserved};
use super::ops;
use super::pattern::pattern_statement;
use crate::syntax::combinators::{Step, Tokens, any_commas, certain, commas, maybe, miss, must, nest, punct, word};
use crate::syntax::tokens::Kind;
use crate::text::{Diagnostics, Span};

/// Where broken stages are noted so that the reading can go on: at the top of a text, not inside brackets.
type Notes<'n> = Option<&'n mut Diagnostics>;

/// More faults than this in one text say nothing new.
const MAX_NOTES: usize = 32;

/// All statements of a text, and what is wrong with it.
pub fn statements(mut i: Tokens<'_>) -> (Vec<Statement>, Diagnostics) {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    while i.kind(0) != Kind::End {
        i.begin();
        let noted = wrong.len();
        match statement(i, Some(&mut wrong)) {
            Ok((rest, statement)) => {
                all.push(statement);
                i = rest;
            }
            Err(_) => {
                note(&mut wrong, i);
                i = i.skip_to(&[";"]);
            }
        }
        match i.kind(0) {
            Kind::End => break,
            Kind::Punct(";") => i = i.skip(1),
            _ => {
                if wrong.len() == noted {
                    let (Ok(_) | Err(_)) = punct(";")(i);
                    note(&mut wrong, i);
                }
                // What closes a bracket that nobody opened is passed over together with all that follows.
                i = i.skip(1).skip_to(&[";"]);
                while !matches!(i.kind(0), Kind::End | Kind::Punct(";")) {
                    i = i.skip(1);
                }
                i = i.skip(1);
            }
        }
    }
    (all, wrong)
}

/// One statement, without its semicolon.
pub fn statement<'t>(i: Tokens<'t>, notes: Notes<'_>) -> Step<'t, Statement> {
    match i.text(0) {
        "let" if name(i.skip(1)).is_ok() => let_statement(i, notes),
        "let" if matches!(i.kind(1), Kind::Word(_)) && i.is_punct(2, "=") => reserved(i.skip(1)),
        "set" => must(set_statement)(i),
        "declare" if i.is_word(1, "query_parameters") => must(declare_statement)(i),
        "declare" if i.is_word(1, "pattern") => pattern_statement(i),
        "alias" if i.is_word(1, "database") => other_statement(i, "alias"),
        "restrict" if i.is_word(1, "access") => other_statement(i, "restrict"),
        _ => {
            let (rest, query) = pipeline(i, notes)?;
            Ok((rest, Statement::Result(query)))
        }
    }
}

/// A statement that is known by its first words alone; the rest of it is passed over.
fn other_statement<'t>(i: Tokens<'t>, what: &'static str) -> Step<'t, Statement> {
    let rest = i.skip_to(&[";"]);
    Ok((rest, Statement::Other { what, span: i.span_to(rest) }))
}

/// `let name = query`, `let name = (parameters) { body }`
pub fn let_statement<'t>(i: Tokens<'t>, notes: Notes<'_>) -> Step<'t, Statement> {
    let (rest, _) = word("let")(i)?;
    let (rest, name) = must(name)(rest)?;
    let (rest, _) = must(punct("="))(rest)?;
    if rest.is_word(0, "entity_group") {
        return other_statement(i, "entity_group");
    }
    let (rest, value) = if rest.is_word(0, "materialize") {
        let (rest, query) = must(query_call)(rest)?;
        (rest, LetValue::Expr(query))
    } else if begins_lambda(rest) {
        let (rest, lambda) = must(lambda)(rest)?;
        (rest, LetValue::Lambda(lambda))
    } else {
        match pipeline(rest, notes) {
            Err(nom::Err::Error(miss)) => return Err(nom::Err::Failure(miss)),
            other => {
                let (rest, query) = other?;
                (rest, LetValue::Expr(query))
            }
        }
    };
    Ok((rest, Statement::Let(Let { name, value, span: i.span_to(rest) })))
}

/// `set name`, `set name = value`
pub fn set_statement(i: Tokens<'_>) -> Step<'_, Statement> {
    let (rest, _) = word("set")(i)?;
    let (rest, name) = name(rest)?;
    let (rest, value) = if rest.is_punct(0, "=") {
        let (rest, value) = expression(rest.skip(1))?;
        (rest, Some(value))
    } else {
        (rest, None)
    };
    Ok((rest, Statement::Set { name, value, span: i.span_to(rest) }))
}

/// `declare query_parameters(a:long = 1)`
pub fn declare_statement(i: Tokens<'_>) -> Step<'_, Statement> {
    let (rest, _) = word("declare")(i)?;
    let (rest, _) = word("query_parameters")(rest)?;
    let (rest, _) = punct("(")(rest)?;
    let (rest, parameters) = commas(rest, false, parameter)?;
    let (rest, _) = punct(")")(rest)?;
    Ok((rest, Statement::Declare { parameters, span: i.span_to(rest) }))
}

/// `name:type = default`, `name:(a:long, b:string)`, `name:(*)`
pub fn parameter(i: Tokens<'_>) -> Step<'_, Parameter> {
    let (i, name) = label(i)?;
    let (i, _) = must(punct(":"))(i)?;
    let (i, ty) = if i.is_punct(0, "(") {
        must(table_type)(i)?
    } else {
        let (i, ty) = must(column_type)(i)?;
        (i, ParameterType::Scalar(ty))
    };
    let (i, default) = if i.is_punct(0, "=") {
        let (i, value) = must(default_value)(i.skip(1))?;
        (i, Some(value))
    } else {
        (i, None)
    };
    Ok((i, Parameter { name, ty, default }))
}

pub fn table_type(i: Tokens<'_>) -> Step<'_, ParameterType> {
    let (i, _) = punct("(")(i)?;
    let (i, star) = maybe(i, punct("*"))?;
    let rest = star.is_some();
    let (i, columns) = if rest { (i, Vec::new()) } else { any_commas(i, true, column_decl)? };
    let (i, _) = punct(")")(i)?;
    Ok((i, ParameterType::Table { columns, rest }))
}

/// A literal, or a name that stands for itself.
pub fn default_value(i: Tokens<'_>) -> Step<'_, Expr> {
    if let (rest, Some(value)) = maybe(i, literal)? {
        return Ok((rest, value));
    }
    if i.is_punct(0, "[") {
        return miss(i, "a literal");
    }
    let (rest, name) = name(i)?;
    let span = name.span;
    Ok((rest, Expr { kind: ExprKind::Name(name), span }))
}

/// Whether what stands here is a lambda and no expression in parentheses.
fn begins_lambda(i: Tokens<'_>) -> bool {
    let i = if i.is_word(0, "view") { i.skip(1) } else { i };
    if !i.is_punct(0, "(") {
        return false;
    }
    i.is_punct(1, ")") || i.is_punct(1, "*") || label(i.skip(1)).is_ok_and(|(rest, _)| rest.is_punct(0, ":"))
}

/// `[view] (parameters) { let …; body }`
pub fn lambda(i: Tokens<'_>) -> Step<'_, Lambda> {
    let (rest, view) = maybe(i, word("view"))?;
    let (rest, _) = punct("(")(rest)?;
    let (rest, parameters) = any_commas(rest, false, parameter)?;
    let (rest, _) = must(punct(")"))(rest)?;
    let (rest, _) = must(punct("{"))(rest)?;
    let (rest, (statements, body)) = nest(rest, lambda_body)?;
    let (rest, _) = must(punct("}"))(rest)?;
    let (view, span) = (view.is_some(), i.span_to(rest));
    Ok((rest, Lambda { view, parameters, statements, body: Box::new(body), span }))
}

pub fn lambda_body(mut i: Tokens<'_>) -> Step<'_, (Vec<Statement>, Expr)> {
    let mut all = Vec::new();
    loop {
        let (rest, statement) = if i.is_word(0, "let") {
            must(|i| let_statement(i, None))(i)?
        } else if i.is_word(0, "declare") {
            must(declare_statement)(i)?
        } else {
            break;
        };
        all.push(statement);
        i = must(punct(";"))(rest)?.0;
    }
    let (i, body) = must(pipe)(i)?;
    let (i, _) = maybe(i, punct(";"))?;
    Ok((i, (all, body)))
}

/// A pipeline inside brackets: `T | where … | take 1`, or an expression.
pub fn pipe(i: Tokens<'_>) -> Step<'_, Expr> {
    pipeline(i, None)
}

fn pipeline<'t>(i: Tokens<'t>, mut notes: Notes<'_>) -> Step<'t, Expr> {
    match first_stage(i, &mut notes) {
        Ok((rest, source)) if rest.is_punct(0, "|") => stages(i, rest, source, notes),
        done => done,
    }
}

fn first_stage<'t>(i: Tokens<'t>, notes: &mut Notes<'_>) -> Step<'t, Expr> {
    match head(i) {
        done if notes.is_none() => done,
        Ok((rest, source)) if ends_stage(rest) => Ok((rest, source)),
        Ok((rest, _)) => broken(i, rest, notes),
        Err(_) => broken(i, i, notes),
    }
}

/// The operators after the first stage, each behind its pipe.
fn stages<'t>(i: Tokens<'t>, mut rest: Tokens<'t>, source: Expr, mut notes: Notes<'_>) -> Step<'t, Expr> {
    let mut operators = Vec::new();
    while rest.is_punct(0, "|") {
        let start = rest.skip(1);
        if notes.is_some() {
            start.begin();
        }
        match certain(ops::operator(start)) {
            Ok((after, operator)) if notes.is_none() || ends_stage(after) => {
                operators.push(operator);
                rest = after;
            }
            Err(error) if notes.is_none() => return Err(error),
            Ok((reached, _)) => rest = broken(start, reached, &mut notes)?.0,
            Err(_) => rest = broken(start, start, &mut notes)?.0,
        }
    }
    let kind = ExprKind::Pipe { source: Box::new(source), operators };
    Ok((rest, Expr { kind, span: i.span_to(rest) }))
}

/// Adds what is wrong with the stage, unless enough has been said.
fn note(wrong: &mut Diagnostics, i: Tokens<'_>) {
    if wrong.len() < MAX_NOTES {
        wrong.push(i.diagnose());
    }
}

/// Whether a stage may end before what stands here.
fn ends_stage(i: Tokens<'_>) -> bool {
    matches!(i.kind(0), Kind::End | Kind::Punct("|" | ";"))
}

/// Notes what is wrong with the stage that began at `start`, and goes on at the next.
fn broken<'t>(start: Tokens<'t>, reached: Tokens<'t>, notes: &mut Notes<'_>) -> Step<'t, Expr> {
    if reached.is_after(start) {
        let (Ok(_) | Err(_)) = punct("|")(reached);
    }
    if let Some(wrong) = notes {
        note(wrong, reached);
    }
    let rest = reached.skip_to(&["|", ";"]);
    // A bracket that nobody opened ends the statement; the statement's end is found by `statements`.
    let nothing = Expr { kind: ExprKind::List(Vec::new()), span: Span::default() };
    Ok((rest, nothing))
}

/// The first stage: an operator that needs no input, or an expression.
pub fn head(i: Tokens<'_>) -> Step<'_, Expr> {
    if !begins_operator(i) {
        match level_expression(i) {
            Err(nom::Err::Error(_)) if ops::known(i) => {}
            done => return done,
        }
    }
    let (rest, operator) = ops::operator(i)?;
    let span = operator.span;
    Ok((rest, Expr { kind: ExprKind::Source(Box::new(operator)), span }))
}

/// Whether an operator begins here, and not a name that is spelt like one.
fn begins_operator(i: Tokens<'_>) -> bool {
    let Kind::Word(word) = i.kind(0) else { return false };
    match word.text {
        "evaluate" => name(i.skip(1)).is_ok() || ops::is_setting(i.skip(1)),
        "facet" => i.is_word(1, "by"),
        "partition" | "reduce" => i.is_word(1, "by") || ops::is_setting(i.skip(1)),
        "range" => name(i.skip(1)).is_ok_and(|(rest, _)| rest.is_word(0, "from")),
        "inline_external_table" => i.is_punct(1, "(") || i.is_word(1, "kind"),
        "render" => ops::is_chart(i.skip(1)),
        _ => !word.name && ops::known(i),
    }
}

/// Whether a list in parentheses is a query: an operator begins it, or a pipe stands in it.
pub fn looks_like_query(i: Tokens<'_>) -> bool {
    if begins_operator(i) {
        return true;
    }
    let (mut rest, mut open) = (i, 0usize);
    loop {
        match rest.kind(0) {
            Kind::End | Kind::Punct(";") => return false,
            Kind::Punct("," | ")") if open == 0 => return false,
            Kind::Punct("|") if open == 0 => return true,
            Kind::Punct("(") => open += 1,
            Kind::Punct(")") => open -= 1,
            _ => {}
        }
        rest = rest.skip(1);
    }
}

/// Operators with pipes between, in the brackets of an operator: `(where a == 1 | take 1)`.
pub fn sub_pipeline(i: Tokens<'_>) -> Step<'_, Vec<Operator>> {
    let (i, _) = punct("(")(i)?;
    let (i, operators) = must(|i| nest(i, operators))(i)?;
    let (i, _) = must(punct(")"))(i)?;
    Ok((i, operators))
}

fn operators(i: Tokens<'_>) -> Step<'_, Vec<Operator>> {
    let (mut i, first) = ops::operator(i)?;
    let mut all = vec![first];
    while i.is_punct(0, "|") {
        let next;
        (i, next) = must(ops::operator)(i.skip(1))?;
        all.push(next);
    }
    Ok((i, all))
}

/// The operator that is known by its word alone; what follows, up to the next pipe, is passed over.
pub fn other_operator<'t>(i: Tokens<'t>, what: &'static str) -> Step<'t, OperatorKind> {
    Ok((i.skip_to(&["|", ";"]), OperatorKind::Other { what }))
}
