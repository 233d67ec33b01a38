//! Errors in the words of the Graph API.
//!
//! Texts, codes and types are those of recorded answers where there is one, else of Meta's pages "Handle Errors"
//! (developers.facebook.com/docs/graph-api/guides/error-handling) and "Error Codes" of the Instagram API.

use std::borrow::Cow;

use crate::json::Json;

/// An error object and the HTTP status it is sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) message: String,
    pub(crate) is_transient: Option<bool>,
    pub(crate) for_people: Option<Box<ForPeople>>,
    /// A finished piece of JSON.
    pub(crate) error_data: Option<Cow<'static, str>>,
}

/// What is shown to people; either may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ForPeople {
    pub(crate) title: Option<String>,
    pub(crate) message: Option<String>,
}

pub(crate) type Outcome<T> = Result<T, GraphError>;

impl GraphError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            subcode: None,
            kind: Cow::Borrowed("OAuthException"),
            message: message.into(),
            is_transient: None,
            for_people: None,
            error_data: None,
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn subcode(mut self, subcode: i64) -> Self {
        self.subcode = Some(subcode);
        self
    }

    pub(crate) fn transient(mut self, is_transient: bool) -> Self {
        self.is_transient = Some(is_transient);
        self
    }

    pub(crate) fn kind(mut self, kind: impl Into<Cow<'static, str>>) -> Self {
        self.kind = kind.into();
        self
    }

    pub(crate) fn error_data(mut self, json: impl Into<Cow<'static, str>>) -> Self {
        self.error_data = Some(json.into());
        self
    }

    pub(crate) fn for_people(mut self, title: &str, message: &str) -> Self {
        self.for_people = Some(Box::new(ForPeople {
            title: Some(title.to_owned()),
            message: Some(message.to_owned()),
        }));
        self
    }

    /// Replaces every text that is for people.
    pub(crate) fn localize(&mut self, text: &str) {
        text.clone_into(&mut self.message);
        if let Some(people) = &mut self.for_people {
            let texts = [&mut people.title, &mut people.message];
            for told in texts.into_iter().flatten() {
                text.clone_into(told);
            }
        }
    }

    /// The body, with the keys in the recorded order.
    pub(crate) fn body(&self, trace_id: &str) -> String {
        let mut json = Json::with_capacity(256);
        json.open_object();
        json.key("error");
        json.open_object();
        json.string_member("message", &self.message);
        json.string_member("type", &self.kind);
        json.integer_member("code", self.code);
        if let Some(data) = &self.error_data {
            json.key("error_data");
            json.raw(data);
        }
        if let Some(subcode) = self.subcode {
            json.integer_member("error_subcode", subcode);
        }
        if let Some(is_transient) = self.is_transient {
            json.boolean_member("is_transient", is_transient);
        }
        let people = self.for_people.as_deref();
        if let Some(title) = people.and_then(|people| people.title.as_deref()) {
            json.string_member("error_user_title", title);
        }
        if let Some(message) = people.and_then(|people| people.message.as_deref()) {
            json.string_member("error_user_msg", message);
        }
        json.string_member("fbtrace_id", trace_id);
        json.close_object();
        json.close_object();
        json.into_text()
    }

    pub(crate) fn unknown_path(path: &str) -> Self {
        Self::new(2500, format!("Unknown path components: /{path}"))
    }

    pub(crate) fn nonexisting_field(name: &str, node_type: Option<&str>) -> Self {
        let place = node_type.map_or(String::new(), |node_type| {
            format!(" on node type ({node_type})")
        });
        Self::new(
            100,
            format!("(#100) Tried accessing nonexisting field ({name}){place}"),
        )
    }

    pub(crate) fn unsupported_get(id: &str) -> Self {
        Self::unsupported("get", id)
    }

    pub(crate) fn unsupported(method: &str, id: &str) -> Self {
        let message = format!(
            "Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api"
        );
        Self::new(100, message)
            .subcode(33)
            .kind("GraphMethodException")
    }

    pub(crate) fn unknown_alias(alias: &str) -> Self {
        Self::new(
            803,
            format!("(#803) Some of the aliases you requested do not exist: {alias}"),
        )
    }

    pub(crate) fn no_permission() -> Self {
        Self::new(
            10,
            "(#10) Application does not have permission for this action",
        )
    }

    /// Recorded for a Page that the token may not read.
    pub(crate) fn page_permission() -> Self {
        Self::new(
            100,
            "(#100) Object does not exist, cannot be loaded due to missing permission or reviewable feature, or does not \
             support this operation. This endpoint requires the 'pages_read_engagement' permission or the 'Page Public \
             Content Access' feature or the 'Page Public Metadata Access' feature. Refer to \
             https://developers.facebook.com/docs/apps/review/login-permissions#manage-pages, \
             https://developers.facebook.com/docs/apps/review/feature#reference-PAGES_ACCESS and \
             https://developers.facebook.com/docs/apps/review/feature#page-public-metadata-access for details.",
        )
    }

    pub(crate) fn requires(permission: &str) -> Self {
        Self::new(
            200,
            format!("(#200) Requires {permission} permission to manage the object"),
        )
    }

    pub(crate) fn multi_id_read() -> Self {
        Self::new(100, "The ids query parameter is deprecated in v26.0+").status(500)
    }

    pub(crate) fn too_much_data() -> Self {
        Self::new(
            1,
            "Please reduce the amount of data you're asking for, then retry your request",
        )
        .status(500)
    }

    pub(crate) fn cursor_out_of_reach() -> Self {
        Self::new(
            100,
            "(#100) The After Cursor specified exceeds the max limit supported by this endpoint",
        )
    }

    pub(crate) fn unknown() -> Self {
        Self::new(1, "An unknown error has occurred.").status(500)
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::new(100, format!("(#100) The parameter {name} is required"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_stand_in_the_recorded_order() {
        let body = GraphError::new(100, "Invalid parameter")
            .error_data(r#"{"blame_field_specs":[[""]]}"#)
            .subcode(2_108_006)
            .transient(false)
            .for_people("Title", "Text")
            .body("Abc");
        assert_eq!(
            body,
            r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_data":{"blame_field_specs":[[""]]},"error_subcode":2108006,"is_transient":false,"error_user_title":"Title","error_user_msg":"Text","fbtrace_id":"Abc"}}"#
        );
    }
}
