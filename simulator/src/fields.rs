//! The grammar of `fields=`: nested edges with chained arguments and sub-selections.
//!
//! Meta's page: "Field Expansion" (developers.facebook.com/docs/graph-api/guides/field-expansion).

/// What is wanted from a node, in the order in which it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) fields: Vec<Field>,
}

/// One field or edge: `name.argument(value).as(alias){selection}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) arguments: Vec<(String, String)>,
    pub(crate) selection: Option<Selection>,
}

impl Field {
    /// The key under which the answer carries the field.
    pub(crate) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

impl Selection {
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut parser = Parser { text, position: 0 };
        let selection = parser.selection()?;
        match parser.peek() {
            None => Ok(selection),
            Some(found) => {
                Err(parser.error(&format!("Expected end of string instead of \"{found}\".")))
            }
        }
    }

    /// Plain fields without arguments.
    pub(crate) fn of(names: &[&str]) -> Self {
        let plain = |name: &&str| Field {
            name: (*name).to_owned(),
            ..Field::default()
        };
        Self {
            fields: names.iter().map(plain).collect(),
        }
    }
}

/// Why a `fields` text is refused, in the words of the Graph API.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
}

struct Parser<'t> {
    text: &'t str,
    position: usize,
}

impl Parser<'_> {
    fn selection(&mut self) -> Result<Selection, SyntaxError> {
        let mut fields: Vec<Field> = Vec::new();
        loop {
            self.skip_spaces();
            let field = self.field()?;
            if fields.iter().any(|known| known.key() == field.key()) {
                return Err(self.error(&format!(
                    "Field {} specified more than once. This is only possible before version 2.1",
                    field.key()
                )));
            }
            fields.push(field);
            self.skip_spaces();
            if !self.take(',') {
                return Ok(Selection { fields });
            }
        }
    }

    fn field(&mut self) -> Result<Field, SyntaxError> {
        let mut field = Field {
            name: self.name()?,
            ..Field::default()
        };
        while self.take('.') {
            let argument = self.name()?;
            self.expect('(')?;
            let value = self.until_closing_parenthesis()?;
            if argument == "as" {
                field.alias = Some(value);
            } else {
                field.arguments.push((argument, value));
            }
        }
        self.skip_spaces();
        if self.take('{') {
            field.selection = Some(self.selection()?);
            self.expect('}')?;
        }
        Ok(field)
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        let rest = &self.text[self.position..];
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        if length == 0 {
            return Err(self.error("Expected name."));
        }
        self.position += length;
        Ok(rest[..length].to_owned())
    }

    fn until_closing_parenthesis(&mut self) -> Result<String, SyntaxError> {
        let rest = &self.text[self.position..];
        let Some(length) = rest.find(')') else {
            return Err(self.error("Expected \")\"."));
        };
        self.position += length + 1;
        Ok(rest[..length].trim().to_owned())
    }

    fn expect(&mut self, wanted: char) -> Result<(), SyntaxError> {
        self.skip_spaces();
        if self.take(wanted) {
            Ok(())
        } else {
            Err(self.error(&format!("Expected \"{wanted}\".")))
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.position += wanted.len_utf8();
        }
        found
    }

    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.position..];
        self.position += rest.len() - rest.trim_start().len();
    }

    fn error(&self, reason: &str) -> SyntaxError {
        SyntaxError {
            message: format!(
                "Syntax error \"{reason}\" at character {}: {}",
                self.position, self.text
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Selection {
        fn named(&self, name: &str) -> Option<&Field> {
            self.fields.iter().find(|field| field.name == name)
        }
    }

    #[test]
    fn nested_edges_arguments_and_aliases_are_understood() {
        let selection = Selection::parse(
            "id, caption,comments.limit(50).after(QVFI=){id,replies.limit(2){text}},insights.metric(reach, views).as(numbers)",
        )
        .unwrap();
        let names: Vec<_> = selection.fields.iter().map(Field::key).collect();
        assert_eq!(names, ["id", "caption", "comments", "numbers"]);
        let comments = selection.named("comments").unwrap();
        assert_eq!(comments.arguments[1], ("after".into(), "QVFI=".into()));
        let replies = &comments.selection.as_ref().unwrap().fields[1];
        assert_eq!(replies.selection.as_ref().unwrap().fields[0].name, "text");
    }

    #[test]
    fn a_field_listed_twice_is_refused_with_the_recorded_text() {
        let error = Selection::parse("id,name,picture,picture").unwrap_err();
        assert_eq!(
            error.message,
            "Syntax error \"Field picture specified more than once. This is only possible before version 2.1\" at character 23: id,name,picture,picture"
        );
    }

    #[test]
    fn a_field_twice_is_also_refused_inside_braces() {
        assert!(Selection::parse("media{id,caption,id}").is_err());
        assert!(Selection::parse("id,media{id}").is_ok());
    }

    #[test]
    fn broken_syntax_is_refused() {
        for text in [
            "",
            "a,,b",
            "a{",
            "a{b",
            "a.limit(5",
            "a.limit",
            "a}b",
            "a b",
        ] {
            assert!(Selection::parse(text).is_err(), "{text}");
        }
    }
}
