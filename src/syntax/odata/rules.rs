//! The parser by the rule names of the OASIS grammar: what the tests hold against the grammar and the committee's cases.
use super::ast::{Expr, ExprKind, Literal, StepKind};
use super::check::{Model, check, check_expr};
use super::decode::{self, Decoded};
use super::input::{Input, Step, bracketed, separated, whole};
use super::literal::{self, Kind};
use super::{apply, expr, member, names, options, read, search, select};
use crate::text::{Diagnostic, Source, Span, codes};

/// Names of which nothing is known.
pub struct Anything;

impl Model for Anything {
    fn is_collection(&self, _: &str) -> bool {
        false
    }

    fn is_type(&self, _: &str) -> bool {
        false
    }

    fn is_stream(&self, _: &str) -> bool {
        false
    }

    fn is_custom_aggregate(&self, _: &str) -> bool {
        true
    }

    fn is_known(&self, _: &str) -> bool {
        false
    }
}

fn first(result: Result<(), Vec<Diagnostic>>) -> Result<(), Diagnostic> {
    result.map_err(|mut faults| faults.remove(0))
}

fn no(what: &str) -> Result<(), Diagnostic> {
    Err(codes::SYNTAX.at(Span::default(), format!("this is no {what}")))
}

/// Whether a text is one of a rule; `None` where the parser has no such rule.
pub fn is(rule: &str, text: &str, model: &dyn Model) -> Option<Result<(), Diagnostic>> {
    // Rules of values are those of bodies, where nothing is encoded.
    let payload = rule.ends_with("Value");
    let decoded = if payload { Ok(Decoded::plain(text)) } else { decode::decode(text, 0) };
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(fault) => return Some(Err(fault)),
    };
    if let Some(result) = literals(rule, &decoded) {
        return Some(result);
    }
    let line = |line: String| -> Result<super::Read, Diagnostic> {
        let read = read(&Source::new(line.as_str())).map_err(|mut faults| faults.remove(0))?;
        first(check(&read.line, model))?;
        Ok(read)
    };
    // Options alone are read behind some set; their places are their own.
    let alone = || {
        let set = "set?";
        line(format!("{set}{text}")).map(|_| ()).map_err(|mut fault| {
            let own = |at: u32| at.saturating_sub(set.len() as u32);
            fault.span = Span { start: own(fault.span.start), end: own(fault.span.end) };
            fault
        })
    };
    let parsed = |parser: fn(Input<'_>) -> Step<'_, Expr>| -> Result<Expr, Diagnostic> {
        let expr = whole(&decoded, parser)?;
        first(check_expr(&expr, model))?;
        Ok(expr)
    };
    Some(match rule {
        "odataRelativeUri" | "resourcePath" => line(text.to_owned()).map(|_| ()),
        "queryOptions" => alone(),
        "filter" | "orderby" | "orderBy" | "select" | "expand" | "search" | "compute" | "apply" | "skip" | "top"
        | "skiptoken" | "deltatoken" | "format" | "inlinecount" | "index" | "schemaversion" | "id"
        | "systemQueryOption" => {
            let option = text.split('=').next().and_then(options::of_request);
            let wanted = if rule == "inlinecount" { "count".into() } else { rule.to_ascii_lowercase() };
            match option {
                Some(option) if rule == "systemQueryOption" || option == wanted => alone(),
                _ => no(rule),
            }
        }
        "customQueryOption" => match text.split('=').next().and_then(options::of_request) {
            None => alone(),
            Some(_) => no(rule),
        },
        "commonExpr" | "boolCommonExpr" | "boolcommonExpr" => parsed(expr::expr).map(|_| ()),
        "anyExpr" | "allExpr" => {
            let path = Decoded::plain(&format!("all/{}", decoded.text));
            match whole(&path, expr::expr) {
                Ok(Expr { kind: ExprKind::Path(steps), .. }) => match steps.as_slice() {
                    [_, step] => match step.kind {
                        StepKind::Lambda { all, .. } if all == (rule == "allExpr") => Ok(()),
                        _ => no(rule),
                    },
                    _ => no(rule),
                },
                Ok(_) => no(rule),
                Err(fault) => Err(fault),
            }
        }
        "firstMemberExpr" | "memberExpr" | "propertyPathExpr" | "functionExpr" | "boundFunctionExpr" | "rootExpr"
        | "directMemberExpr" | "annotationExpr" => parsed(member::member).map(|_| ()),
        "isofExpr" | "castExpr" | "caseMethodCallExpr" | "isdefinedExpr" => match parsed(member::member) {
            Ok(Expr { kind: ExprKind::Call { name, .. }, .. }) if rule.starts_with(&name.text.to_lowercase()) => Ok(()),
            Ok(Expr { kind: ExprKind::Case(_), .. }) if rule.starts_with("case") => Ok(()),
            Ok(_) => no(rule),
            Err(fault) => Err(fault),
        },
        rule if rule.ends_with("MethodCallExpr") => parsed(member::member).map(|_| ()),
        "notExpr" | "negateExpr" | "parenExpr" | "arrayOrObject" | "array" | "object" | "parameterValue" => {
            parsed(expr::expr).map(|_| ())
        }
        "listExpr" => {
            let list = Decoded::plain(&format!("a in {}", decoded.text));
            whole(&list, expr::expr).map(|_| ())
        }
        "functionParameter" | "functionExprParameter" | "functionParameters" | "functionExprParameters" => {
            let bare = Decoded::plain(&format!("({})", decoded.text));
            let text = if rule.ends_with('s') { &decoded } else { &bare };
            whole(text, expr::arguments).and_then(|args| match args.iter().all(|arg| arg.name.is_some()) {
                true => Ok(()),
                false => no(rule),
            })
        }
        "searchExpr" => match whole(&decoded, search::search) {
            Ok(super::ast::Search::Quoted(_)) => no(rule),
            other => other.map(|_| ()),
        },
        "orderbyItem" => whole(&decoded, expr::orderby).map(|_| ()),
        "selectItem" => whole(&decoded, select::select).map(|_| ()),
        "expandItem" => whole(&decoded, select::expand).map(|_| ()),
        "computeItem" | "computeExpr" => whole(&decoded, expr::computed).map(|_| ()),
        "applyExpr" => whole(&decoded, apply::transformations).map(|_| ()),
        "aggregateExpr" => whole(&decoded, |input| apply::aggregate_item(input, true)).map(|_| ()),
        "groupingProperties" => whole(&decoded, |input| separated(input, names::path)).map(|_| ()),
        "keyPredicate" => whole(&decoded, |input| bracketed(input, expr::expr)).map(|_| ()),
        "odataIdentifier" | "entitySetName" | "singletonEntity" | "parameterName" => {
            whole(&decoded, names::identifier).map(|_| ())
        }
        "namespace" | "qualifiedEntityTypeName" | "optionallyQualifiedEntityTypeName" => {
            whole(&decoded, names::qualified).map(|_| ())
        }
        "annotationInQuery" | "parameterAlias" => whole(&decoded, names::annotation).map(|_| ()),
        _ => return None,
    })
}

/// Rules of literals, in URLs and in bodies.
fn literals(rule: &str, decoded: &Decoded) -> Option<Result<(), Diagnostic>> {
    use Kind::{
        Binary, Boolean, Date, DateTimeOffset, Duration, Enum, Geography, Geometry, Guid, LooseTime, NanInfinity, Null,
        Number, String, TimeOfDay,
    };
    let text = decoded.text.as_str();
    let whole_number = |digits: usize| {
        let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
        let fits = (1..=digits).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit());
        Some(if fits { Ok(()) } else { no(rule) })
    };
    let kinds: &[Kind] = match rule {
        "null" | "nullValue" => &[Null],
        "boolean" | "booleanValue" => &[Boolean],
        "guid" | "guidValue" => &[Guid],
        "date" | "dateValue" | "dateLiteral" => &[Date],
        "dateTimeOffsetLiteral" | "dateTimeOffsetValue" | "dateTimeOffsetValueInUrl" => &[DateTimeOffset],
        "timeOfDayLiteral" | "timeOfDayValue" | "timeOfDayValueInUrl" => &[TimeOfDay],
        "decimalLiteral" | "decimalValue" | "doubleLiteral" | "doubleValue" | "singleLiteral" | "singleValue" => {
            &[Number, NanInfinity]
        }
        "nanInfinity" => &[NanInfinity],
        "numberLiteral" => &[Number],
        "byte" | "byteValue" | "byteLiteral" | "sbyteLiteral" | "sbyteValue" => return whole_number(3),
        "int16Literal" | "int16Value" => return whole_number(5),
        "int32Literal" | "int32Value" => return whole_number(10),
        "int64Literal" | "int64Value" => return whole_number(19),
        "stringLiteral" | "string" => &[String],
        "durationLiteral" if text.starts_with('\'') => {
            let inner = text.trim_matches('\'');
            return Some(literal::duration(inner).map(|_| ()).map_or_else(|| no(rule), Ok));
        }
        "durationLiteral" => &[Duration],
        "durationValue" => return Some(literal::duration(text).map(|_| ()).map_or_else(|| no(rule), Ok)),
        "enumLiteral" if text.starts_with('\'') => {
            return Some(if literal::members(text.trim_matches('\'')) { Ok(()) } else { no(rule) });
        }
        "enumLiteral" => &[Enum],
        "enumValue" => return Some(if literal::members(text) { Ok(()) } else { no(rule) }),
        "binaryLiteral" => &[Binary],
        "binaryValue" => return Some(if literal::base64url(text) { Ok(()) } else { no(rule) }),
        "primitiveLiteral" => &[
            Null,
            Boolean,
            Guid,
            Date,
            DateTimeOffset,
            LooseTime,
            TimeOfDay,
            Number,
            NanInfinity,
            String,
            Duration,
            Enum,
            Binary,
            Geography,
            Geometry,
        ],
        "prefixedLiteral" => &[Duration, Enum, Binary, Geography, Geometry],
        "primitiveValue" => {
            let shape = super::geo::is_shape(text) || literal::members(text) || literal::base64url(text);
            let value = literal::duration(text).is_some() || text.starts_with(|c: char| !c.is_alphabetic());
            let value = value && literal::read(text).is_some_and(|found| found.length == text.len());
            return Some(if shape || value { Ok(()) } else { no(rule) });
        }
        rule if rule.starts_with("geography") => &[Geography],
        rule if rule.starts_with("geometry") => &[Geometry],
        _ => return None,
    };
    let found = whole(decoded, |input| {
        let kind = literal::read(input.rest).map(|found| found.kind);
        let (rest, literal): (_, Literal) = expr::primitive(input)?;
        Ok((rest, (kind, literal)))
    });
    Some(match found {
        Ok((Some(kind), _)) if kinds.contains(&kind) && shape_fits(rule, text) => Ok(()),
        Ok(_) => no(rule),
        Err(fault) => Err(fault),
    })
}

/// `geographyPoint` is a point.
fn shape_fits(rule: &str, text: &str) -> bool {
    let Some(shape) = rule.strip_prefix("geography").or(rule.strip_prefix("geometry")) else { return true };
    let wanted = if shape == "Collection" { "GeometryCollection" } else { shape };
    text.split_once(';')
        .is_some_and(|(_, rest)| rest.to_lowercase().starts_with(&format!("{}(", wanted.to_lowercase())))
}
