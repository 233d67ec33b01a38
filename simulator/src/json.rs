//! Writes JSON the way the Graph API does: compact, with `/`, `@`, `%` and everything beyond ASCII escaped.

use std::fmt::Write;

use serde_json::Value;

/// A JSON text under construction. Commas take care of themselves.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
    comma: bool,
}

impl Json {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            text: String::with_capacity(capacity),
            comma: false,
        }
    }

    pub(crate) fn open_object(&mut self) {
        self.open('{');
    }

    pub(crate) fn close_object(&mut self) {
        self.close('}');
    }

    pub(crate) fn open_array(&mut self) {
        self.open('[');
    }

    pub(crate) fn close_array(&mut self) {
        self.close(']');
    }

    /// Starts a member of an object. Keys are field names and aliases: they need no escapes beyond quotes.
    pub(crate) fn key(&mut self, key: &str) {
        self.separate();
        self.quoted(key);
        self.text.push(':');
        self.comma = false;
    }

    pub(crate) fn string(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
        self.comma = true;
    }

    /// A text that is known to need no escapes: ids and timestamps.
    pub(crate) fn plain(&mut self, value: impl std::fmt::Display) {
        self.separate();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "\"{value}\"");
        self.comma = true;
    }

    pub(crate) fn integer(&mut self, value: i64) {
        self.separate();
        let _ = write!(self.text, "{value}");
        self.comma = true;
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// A finished piece of JSON.
    pub(crate) fn raw(&mut self, value: &str) {
        self.separate();
        self.text.push_str(value);
        self.comma = true;
    }

    /// Any value, in the same spelling.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.open_array();
                for item in items {
                    self.value(item);
                }
                self.close_array();
            }
            Value::Object(members) => {
                self.open_object();
                for (key, value) in members {
                    self.key(key);
                    self.value(value);
                }
                self.close_object();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.raw(&value.to_string()),
        }
    }

    pub(crate) fn string_member(&mut self, key: &str, value: &str) {
        self.key(key);
        self.string(value);
    }

    pub(crate) fn plain_member(&mut self, key: &str, value: impl std::fmt::Display) {
        self.key(key);
        self.plain(value);
    }

    pub(crate) fn integer_member(&mut self, key: &str, value: i64) {
        self.key(key);
        self.integer(value);
    }

    pub(crate) fn boolean_member(&mut self, key: &str, value: bool) {
        self.key(key);
        self.boolean(value);
    }

    /// A point to come back to, for members that turn out to have nothing to say.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            length: self.text.len(),
            comma: self.comma,
        }
    }

    pub(crate) fn rewind(&mut self, mark: &Mark) {
        self.text.truncate(mark.length);
        self.comma = mark.comma;
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.text.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
    }

    fn quoted(&mut self, value: &str) {
        self.text.push('"');
        escape_into(value, &mut self.text);
        self.text.push('"');
    }
}

/// A position in a [`Json`].
#[derive(Debug)]
pub(crate) struct Mark {
    length: usize,
    comma: bool,
}

fn escape_into(value: &str, out: &mut String) {
    let mut rest = value;
    while let Some(position) = rest.bytes().position(|byte| !PLAIN[usize::from(byte)]) {
        // What is plain is ASCII, so a character begins here.
        let (plain, special) = rest.split_at(position);
        out.push_str(plain);
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            escape(character, out);
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

fn escape(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '/' => out.push_str("\\/"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

/// Bytes that are written as they are.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'"' | b'\\' | b'/' | b'@' | b'%');
        byte += 1;
    }
    plain
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_like_the_recorded_bodies() {
        let mut json = Json::default();
        json.open_object();
        json.string_member("caption", "a/b @x 50% \"q\" \u{0} \n \u{1F60D}");
        json.integer_member("like_count", 3);
        json.close_object();
        assert_eq!(
            json.into_text(),
            r#"{"caption":"a\/b \u0040x 50\u0025 \"q\" \u0000 \n \ud83d\ude0d","like_count":3}"#
        );
    }

    #[test]
    fn a_rewound_member_leaves_no_comma() {
        let mut json = Json::default();
        json.open_object();
        json.integer_member("a", 1);
        let mark = json.mark();
        json.integer_member("b", 2);
        json.rewind(&mark);
        json.integer_member("c", 3);
        json.close_object();
        assert_eq!(json.into_text(), r#"{"a":1,"c":3}"#);
    }
}
