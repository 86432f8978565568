//! `declare pattern`: queries by the values of their arguments.
//! <https://learn.microsoft.com/kusto/query/pattern-statement>
use super::ast::{ColumnDecl, Expr, PatternDecl, PatternRule, Statement};
use super::literal::literal;
use super::names::{column_decl, name};
use super::query::lambda_body;
use crate::syntax::combinators::{Step, Tokens, commas, maybe, must, nest, punct, word};

/// `declare pattern name = (a:string)[b:string] { rule; … }`, or the name alone.
pub fn pattern_statement(i: Tokens<'_>) -> Step<'_, Statement> {
    let (rest, _) = word("declare")(i)?;
    let (rest, _) = word("pattern")(rest)?;
    let (rest, name) = must(name)(rest)?;
    let mut one = PatternDecl { name, parameters: Vec::new(), path: None, rules: Vec::new() };
    if !rest.is_punct(0, "=") {
        return Ok((rest, Statement::Pattern(one)));
    }
    let (rest, _) = must(punct("("))(rest.skip(1))?;
    let (rest, parameters) = must(|i| commas(i, false, column_decl))(rest)?;
    let (rest, _) = must(punct(")"))(rest)?;
    let (rest, path) = if rest.is_punct(0, "[") { must(path_parameter)(rest)? } else { (rest, None) };
    let (mut rest, _) = must(punct("{"))(rest)?;
    while !rest.is_punct(0, "}") {
        let rule;
        (rest, rule) = must(pattern_rule)(rest)?;
        one.rules.push(rule);
    }
    let (rest, _) = punct("}")(rest)?;
    Ok((rest, Statement::Pattern(PatternDecl { parameters, path, ..one })))
}

fn path_parameter(i: Tokens<'_>) -> Step<'_, Option<ColumnDecl>> {
    let (i, _) = punct("[")(i)?;
    let (i, parameter) = column_decl(i)?;
    let (i, _) = punct("]")(i)?;
    Ok((i, Some(parameter)))
}

/// `('a', 'b').['c'] = { query };`
pub fn pattern_rule(i: Tokens<'_>) -> Step<'_, PatternRule> {
    let (i, _) = punct("(")(i)?;
    let (i, values) = must(|i| commas(i, false, literal))(i)?;
    let (i, _) = must(punct(")"))(i)?;
    let (i, path) = if i.is_punct(0, ".") { must(path_value)(i)? } else { (i, None) };
    let (i, _) = must(punct("="))(i)?;
    let (i, _) = must(punct("{"))(i)?;
    let (i, (statements, body)) = nest(i, lambda_body)?;
    let (i, _) = must(punct("}"))(i)?;
    let (i, _) = maybe(i, punct(";"))?;
    Ok((i, PatternRule { values, path, statements, body: Box::new(body) }))
}

fn path_value(i: Tokens<'_>) -> Step<'_, Option<Expr>> {
    let (i, _) = punct(".")(i)?;
    let (i, _) = punct("[")(i)?;
    let (i, value) = literal(i)?;
    let (i, _) = punct("]")(i)?;
    Ok((i, Some(value)))
}
