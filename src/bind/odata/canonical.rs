//! The canonical functions of OData in the functions of KQL.
//! <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_CanonicalFunctions>
use super::expr::{Binder, is_null, like, long};
use crate::ir::Scalar;
use crate::syntax::odata::ast::{Arg, Expr, ExprKind, Literal, Name, StepKind};
use crate::text::{Span, codes};
use crate::types::Type;
use crate::value::{Value, datetime};

/// What arguments a function takes, and what it is in KQL.
enum Means {
    /// The KQL function of that name.
    Is(&'static str),
    /// A part of a time, by its name in `datetime_part`.
    Part(&'static str),
    /// Put together from several.
    Made,
}

use Means::{Is, Made, Part};
use Type::{Datetime as D, Long as L, Real as R, String as S, Timespan as T};

/// Canonical functions: name, argument types, meaning. The search functions tell letters' case.
const FUNCTIONS: &[(&str, &[Type], Means)] = &[
    ("ceiling", &[R], Is("ceiling")),
    ("concat", &[S, S], Is("strcat")),
    ("contains", &[S, S], Is("contains_cs")),
    ("date", &[D], Is("startofday")),
    ("day", &[D], Part("day")),
    ("endswith", &[S, S], Is("endswith_cs")),
    ("floor", &[R], Made),
    ("fractionalseconds", &[D], Made),
    ("hour", &[D], Part("hour")),
    ("indexof", &[S, S], Is("indexof")),
    ("length", &[S], Is("strlen")),
    ("matchespattern", &[S, S], Is("matches regex")),
    ("maxdatetime", &[], Made),
    ("mindatetime", &[], Made),
    ("minute", &[D], Part("minute")),
    ("month", &[D], Part("month")),
    ("now", &[], Is("now")),
    ("round", &[R], Is("round")),
    ("second", &[D], Part("second")),
    ("startswith", &[S, S], Is("startswith_cs")),
    ("substring", &[S, L, L], Is("substring")),
    ("time", &[D], Made),
    ("tolower", &[S], Is("tolower")),
    ("totaloffsetminutes", &[D], Made),
    ("totalseconds", &[T], Made),
    ("toupper", &[S], Is("toupper")),
    ("trim", &[S], Made),
    ("year", &[D], Part("year")),
];

/// Functions that are known and not computed: what they are about.
const NOT_HERE: &[(&str, &str)] = &[
    ("geo.distance", "distances on the earth"),
    ("geo.intersects", "shapes on the earth"),
    ("geo.length", "lengths on the earth"),
    ("hassubsequence", "sequences within sequences"),
];

impl Binder<'_> {
    pub fn function(&self, name: &Name, args: &[Arg], span: Span) -> Option<Scalar> {
        let word = name.text.to_ascii_lowercase();
        if let Some((_, what)) = NOT_HERE.iter().find(|(known, _)| *known == word) {
            return self.not_here(name.span, &format!("`{word}`: {what} are"));
        }
        match word.as_str() {
            "cast" => return self.cast(args, span),
            "isof" => return self.is_of(args, span),
            "isdefined" => return self.is_defined(args, span),
            "hassubset" => return self.has_subset(args, span),
            _ => {}
        }
        let Some((_, takes, means)) = FUNCTIONS.iter().find(|(known, ..)| *known == word) else {
            if name.text.contains('.') || args.iter().any(|arg| arg.name.is_some()) {
                return self.not_here(name.span, &format!("the function `{}` is", name.text));
            }
            let known = FUNCTIONS.iter().map(|(known, ..)| *known);
            let fault = codes::UNKNOWN_FUNCTION.at(name.span, format!("no function is named `{}`", name.text));
            return self.fault(fault.nearest(&name.text, known));
        };
        if let Some(named) = args.iter().find_map(|arg| arg.name.as_ref()) {
            let message = format!("`{word}` has no parameter `{}`", named.text);
            return self.fault(codes::UNKNOWN_PARAMETER.at(named.span, message));
        }
        let mut bound = Vec::with_capacity(args.len());
        for (at, (arg, ty)) in args.iter().zip(*takes).enumerate() {
            let scalar = like(self.value(&arg.value)?, *ty);
            if at == 0 && scalar.ty() == Type::Dynamic && !is_null(&scalar) {
                return self.of_collection(&word, scalar, &args[1..], span);
            }
            bound.push(self.fitting(&word, scalar, *ty, arg.value.span)?);
        }
        match means {
            Is(kql) => self.call(kql, bound, span),
            Part(part) => {
                let part = Scalar::literal(Value::string((*part).to_owned()), S);
                bound.insert(0, part);
                self.call("datetime_part", bound, span)
            }
            Made => self.made(&word, bound, span),
        }
    }

    /// An argument; a path to a collection is the collection.
    fn value(&self, expr: &Expr) -> Option<Scalar> {
        self.scalar(expr)
    }

    fn fitting(&self, word: &str, scalar: Scalar, ty: Type, span: Span) -> Option<Scalar> {
        let given = scalar.ty();
        if is_null(&scalar) {
            return Some(Scalar::literal(Value::absent(ty), ty));
        }
        match (ty, given) {
            _ if given == ty => Some(scalar),
            (R, given) if given.is_number() => Some(scalar),
            (L, Type::Int) => Some(scalar),
            // The time of a day has an hour, too.
            (D, T) => {
                let first = Scalar::literal(Value::Datetime(0), D);
                self.call("+", vec![first, scalar], span)
            }
            _ => {
                let message = format!("`{word}` takes a {ty} here, not a {given}");
                self.fault(codes::WRONG_TYPE.at(span, message))
            }
        }
    }

    fn made(&self, word: &str, mut bound: Vec<Scalar>, span: Span) -> Option<Scalar> {
        let second = Scalar::literal(Value::Timespan(datetime::TICKS_PER_SECOND), T);
        match (word, bound.pop()) {
            ("floor", Some(number)) => {
                let one = Scalar::literal(Value::Real(1.0), R);
                self.call("bin", vec![like(number, R), one], span)
            }
            ("mindatetime", _) => Some(Scalar::literal(Value::Datetime(0), D)),
            ("maxdatetime", _) => Some(Scalar::literal(Value::Datetime(datetime::MAX), D)),
            ("fractionalseconds", Some(time)) => {
                let whole = self.call("bin", vec![time.clone(), second.clone()], span)?;
                let rest = self.call("-", vec![time, whole], span)?;
                self.call("/", vec![rest, second], span)
            }
            ("time", Some(time)) => {
                let day = self.call("startofday", vec![time.clone()], span)?;
                self.call("-", vec![time, day], span)
            }
            // Times are kept in UTC.
            ("totaloffsetminutes", Some(time)) => {
                let known = self.call("isnotnull", vec![time], span)?;
                self.call("iff", vec![known, long(0), Scalar::literal(Value::Null, L)], span)
            }
            ("totalseconds", Some(duration)) => self.call("/", vec![duration, second], span),
            ("trim", Some(text)) => {
                let blanks = Scalar::literal(Value::string("\\s+"), S);
                self.call("trim", vec![blanks, text], span)
            }
            (other, _) => self.not_here(span, &format!("`{other}` is")),
        }
    }

    /// The functions that OData also has for collections.
    fn of_collection(&self, word: &str, collection: Scalar, rest: &[Arg], span: Span) -> Option<Scalar> {
        match (word, rest) {
            ("length", []) => self.call("array_length", vec![collection], span),
            ("concat", [other]) => {
                let other = self.value(&other.value)?;
                self.call("array_concat", vec![collection, other], span)
            }
            _ => self.not_here(span, &format!("`{word}` of a collection is")),
        }
    }

    fn has_subset(&self, args: &[Arg], span: Span) -> Option<Scalar> {
        let [whole, part] = args else { return self.not_here(span, "`hassubset` without two arguments is") };
        let (whole, part) = (self.value(&whole.value), self.value(&part.value));
        let missing = self.call("set_difference", vec![part?, whole?], span)?;
        let length = self.call("array_length", vec![missing], span)?;
        self.call("==", vec![length, long(0)], span)
    }

    /// Every property that is known is defined.
    fn is_defined(&self, args: &[Arg], span: Span) -> Option<Scalar> {
        let [Arg { value: Expr { kind: ExprKind::Path(steps), span: place }, .. }] = args else {
            return self.fault(codes::WRONG_TYPE.at(span, "`isdefined` takes a property"));
        };
        self.raw_path(steps, *place)?;
        Some(Scalar::literal(Value::Bool(true), Type::Bool))
    }

    /// `case(a gt 0:1,true:0)`: the value of the first condition that holds; null where none does.
    pub fn case(&self, cases: &[(Expr, Expr)], span: Span) -> Option<Scalar> {
        let mut args = Vec::with_capacity(cases.len() * 2 + 1);
        let mut otherwise = None;
        let mut ty = None;
        for (when, then) in cases {
            let always = matches!(when.kind, ExprKind::Literal(Literal::Bool(true)));
            let (when, then) = (self.predicate(when)?, self.scalar(then)?);
            if !is_null(&then) {
                ty = ty.or(Some(then.ty()));
            }
            if always {
                otherwise = Some(then);
                break;
            }
            args.push(when);
            args.push(then);
        }
        let ty = ty.unwrap_or(Type::Dynamic);
        args.push(otherwise.unwrap_or(Scalar::literal(Value::Null, Type::Dynamic)));
        let args: Vec<Scalar> = args
            .into_iter()
            .map(|arg| if is_null(&arg) { Scalar::literal(Value::absent(ty), ty) } else { arg })
            .collect();
        if args.len() == 1 {
            return args.into_iter().next();
        }
        self.call("case", args, span)
    }

    /// The type that is named, the value that it is asked of.
    fn type_and_value<'a>(&self, word: &str, args: &'a [Arg], span: Span) -> Option<(&'static str, Type, &'a Expr)> {
        let (value, ty) = match args {
            [value, ty] => (&value.value, &ty.value),
            [Arg { value: ty, .. }] => {
                let name = type_name(ty).unwrap_or_default();
                return self.not_here(span, &format!("`{word}({name})`: taking an entity as another type is"));
            }
            _ => return self.not_here(span, &format!("`{word}` without a type is")),
        };
        let Some(name) = type_name(ty) else {
            return self.fault(codes::WRONG_TYPE.at(ty.span, format!("`{word}` takes the name of a type here")));
        };
        match TYPES.iter().find(|(known, ..)| *known == name) {
            Some((_, kql, ty)) => Some((kql, *ty, value)),
            None => self.not_here(ty.span, &format!("`{word}` with the type `{name}` is")),
        }
    }

    fn cast(&self, args: &[Arg], span: Span) -> Option<Scalar> {
        let (kql, _, value) = self.type_and_value("cast", args, span)?;
        let value = self.scalar(value)?;
        let cast = self.call(kql, vec![value], span)?;
        let date = args.last().and_then(|arg| type_name(&arg.value)).as_deref() == Some("Edm.Date");
        if date { self.call("startofday", vec![cast], span) } else { Some(cast) }
    }

    /// Whether there is a value, and it is of that type.
    fn is_of(&self, args: &[Arg], span: Span) -> Option<Scalar> {
        let (_, ty, value) = self.type_and_value("isof", args, span)?;
        let value = self.scalar(value)?;
        let fits = value.ty() == ty || ty == L && value.ty() == Type::Int || ty == Type::Int && value.ty() == L;
        if !fits {
            return Some(Scalar::literal(Value::Bool(false), Type::Bool));
        }
        self.call(if ty == S { "isnotempty" } else { "isnotnull" }, vec![value], span)
    }
}

/// Primitive types, the conversion to each, and what each is here.
const TYPES: &[(&str, &str, Type)] = &[
    ("Edm.Boolean", "tobool", Type::Bool),
    ("Edm.Byte", "toint", Type::Int),
    ("Edm.Date", "todatetime", D),
    ("Edm.DateTimeOffset", "todatetime", D),
    ("Edm.Decimal", "todecimal", Type::Decimal),
    ("Edm.Double", "toreal", R),
    ("Edm.Duration", "totimespan", T),
    ("Edm.Guid", "toguid", Type::Guid),
    ("Edm.Int16", "toint", Type::Int),
    ("Edm.Int32", "toint", Type::Int),
    ("Edm.Int64", "tolong", L),
    ("Edm.SByte", "toint", Type::Int),
    ("Edm.Single", "toreal", R),
    ("Edm.String", "tostring", S),
];

/// A type's name where an expression is one: `Edm.String`, `Collection(Edm.String)`.
fn type_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Path(steps) => match steps.as_slice() {
            [one] => match &one.kind {
                StepKind::Name(name) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        },
        ExprKind::Call { name, args } => match args.as_slice() {
            [Arg { name: None, value }] => Some(format!("{}({})", name.text, type_name(value)?)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::odata::sets::Set;
    use crate::syntax::odata::{decode::Decoded, expr::expr, input::whole};

    #[test]
    fn every_function_goes_with_what_it_takes() {
        let set = Set::alerts();
        let argument = |ty: &Type| match ty {
            D => "alertCreationTime",
            L => "1",
            R => "incidentId",
            T => "duration'PT1H'",
            _ => "title",
        };
        for (name, takes, _) in FUNCTIONS {
            let args: Vec<&str> = takes.iter().map(argument).collect();
            let text = format!("{name}({})", args.join(","));
            let tree = whole(&Decoded::plain(&text), expr).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
            let binder = Binder::new(&set, 0, &[]);
            assert!(binder.scalar(&tree).is_some(), "{text}: {:?}", binder.faults_or(()));
        }
    }
}
