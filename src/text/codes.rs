//! Every diagnostic code, once: number, title, and what it is about. A released code is never reused.
//! K0xx text and syntax, K1xx names, K2xx types and arguments, K3xx places (an aggregate where none may stand),
//! K8xx known to KQL or OData but not here yet, K9xx needs data or a right that is not given.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    pub id: &'static str,
    pub title: &'static str,
}

macro_rules! codes {
    ($($name:ident = $id:literal $title:literal;)*) => {
        $(pub const $name: Code = Code { id: $id, title: $title };)*
        /// All codes, in the order of their numbers.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    BAD_CHARACTER = "K0001" "a character that the language does not have";
    UNCLOSED_STRING = "K0002" "a string without its closing quote";
    BAD_LITERAL = "K0003" "a literal that cannot be read";
    SYNTAX = "K0010" "the text does not follow the grammar";
    TOO_DEEP = "K0011" "nesting past the bound";
    TOO_LONG = "K0012" "a text past the bound";
    EMPTY_QUERY = "K0013" "no query in the text";
    UNKNOWN_TABLE = "K0101" "no table or function of that name";
    UNKNOWN_COLUMN = "K0102" "no column of that name";
    UNKNOWN_FUNCTION = "K0103" "no function of that name";
    UNKNOWN_PARAMETER = "K0104" "no parameter or option of that name";
    DUPLICATE_NAME = "K0105" "a name given twice";
    RESERVED_NAME = "K0106" "a name that needs brackets or cannot be used here";
    AMBIGUOUS_NAME = "K0107" "a name that stands for more than one thing";
    WRONG_TYPE = "K0201" "a value of another type is expected";
    ARGUMENT_COUNT = "K0202" "another number of arguments is expected";
    NOT_CONSTANT = "K0203" "a constant is expected";
    BAD_VALUE = "K0204" "a constant that is not allowed here";
    NOT_TABULAR = "K0205" "a table is expected";
    NOT_SCALAR = "K0206" "a single value is expected";
    WRONG_PLACE = "K0301" "something that cannot stand here";
    NOT_ORDERED = "K0302" "rows in a known order are expected";
    NOT_YET = "K0801" "a part of the language that is not here yet";
    OUT_OF_SCOPE = "K0802" "a part of the language that belongs to another product";
    NEEDS_DATA = "K0901" "data that nobody has given";
    NOT_GRANTED = "K0902" "a right that nobody has given";
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_unique_and_ascending() {
        assert!(super::ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
