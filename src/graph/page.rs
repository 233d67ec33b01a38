//! What the Graph API answers: objects, undecoded, and where the next page begins.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::limited::Limited;
use super::request::{Request, Shape};

/// No page of the API has so many objects.
const MOST_OBJECTS: usize = 10_000;

/// No cursor of the API is so long, and no address would hold it.
const LONGEST_CURSOR: usize = 8 << 10;

/// One page of a list, or one object.
#[derive(Debug)]
pub struct Page {
    /// The objects as they came: one that cannot be read costs itself, not the page.
    pub items: Vec<Box<RawValue>>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<String>,
}

/// Why a body is not a page.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("the answer is not the JSON that was expected: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the answer is a list, and not an object with a list in it")]
    List,
    #[error("the answer is a value, and not an object")]
    NoObject,
    #[error("the list goes on, but the answer has no cursor to go on with")]
    NoCursor,
    #[error("the list goes on, but the next page begins where this one began")]
    StandsStill,
    #[error("the answer has no {0}")]
    Missing(&'static str),
    #[error("the list goes on at a cursor of {0} bytes, which no address can hold")]
    LongCursor(usize),
}

#[derive(Deserialize)]
struct Envelope {
    data: Limited<Box<RawValue>, MOST_OBJECTS>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    /// Its presence is all that may be known: it holds the token.
    next: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Page {
    /// The id of an object of an answer, if it has one.
    pub fn id_of(item: &RawValue) -> Option<String> {
        let named = serde_json::from_str::<Named>(item.get());
        named.ok().map(|named| named.id)
    }

    /// Reads the body of a good answer to `request`.
    pub(super) fn read(request: &Request, body: &[u8]) -> Result<Self, PageError> {
        if let Shape::Within { object, edge } = request.shape {
            return Self::read_within(request, body, object, edge);
        }
        // A list can be taken for a structure, and anything for a node. All answers of the API are objects.
        match body.trim_ascii_start().first() {
            Some(b'{') => {}
            Some(b'[') => return Err(PageError::List),
            _ if serde_json::from_slice::<IgnoredAny>(body).is_ok() => {
                return Err(PageError::NoObject);
            }
            _ => {}
        }
        if request.shape == Shape::Node {
            let node: Box<RawValue> = serde_json::from_slice(body)?;
            return Ok(Self {
                items: vec![node],
                next: None,
            });
        }
        let Envelope {
            data: Limited(data),
            paging,
        } = serde_json::from_slice(body)?;
        let (after, has_next) = match paging {
            Some(paging) => (
                paging.cursors.and_then(|cursors| cursors.after),
                paging.next.is_some(),
            ),
            None => (None, false),
        };
        // Where nothing begins, nothing goes on.
        let after = after.filter(|after| !after.is_empty());
        let next = match request.shape {
            Shape::Edge if has_next => {
                let after = after.ok_or(PageError::NoCursor)?;
                if Some(&after) == request.after.as_ref() {
                    return Err(PageError::StandsStill);
                }
                Some(after)
            }
            Shape::CursorEdge if has_next || !data.is_empty() => {
                after.filter(|after| Some(after) != request.after.as_ref())
            }
            Shape::SameCursor if has_next => Some(after.ok_or(PageError::NoCursor)?),
            _ => None,
        };
        match next {
            Some(next) if next.len() > LONGEST_CURSOR => Err(PageError::LongCursor(next.len())),
            next => Ok(Self { items: data, next }),
        }
    }

    fn read_within(
        request: &Request,
        body: &[u8],
        object: &'static str,
        edge: &'static str,
    ) -> Result<Self, PageError> {
        let mut node: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body)?;
        let inner = node.remove(object).ok_or(PageError::Missing(object))?;
        let next = nested_next(&serde_json::from_str(inner.get())?, edge);
        Ok(Self {
            items: vec![inner],
            next: next.filter(|next| Some(next) != request.after.as_ref()),
        })
    }
}

/// The objects of an edge that came nested in another object. An edge without objects is absent ("Field Expansion" page).
pub fn nested<'a>(node: &'a Map<String, Value>, edge: &str) -> &'a [Value] {
    let list = node.get(edge).and_then(|edge| edge.get("data"));
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What stands behind a field that is a nested edge or a single object.
pub fn objects<'a>(node: &'a Map<String, Value>, field: &str) -> &'a [Value] {
    match node.get(field) {
        Some(object) if object.get("data").is_none() => std::slice::from_ref(object),
        _ => nested(node, field),
    }
}

/// Where a nested edge goes on, to be asked for on the edge itself; `None` when all of it came. Nested edges have cursors only
/// ("Paginated Results" page).
pub fn nested_next(node: &Map<String, Value>, edge: &str) -> Option<String> {
    let cursors = node.get(edge)?.get("paging")?.get("cursors")?;
    let after = cursors.get("after")?.as_str()?;
    (!nested(node, edge).is_empty()).then(|| after.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{PoolKey, Urgency};
    use crate::graph::Fields;

    fn read(shape: Shape, after: Option<&str>, body: &str) -> Result<Page, PageError> {
        let request = Request {
            endpoint: "/{ig-user}/media",
            path: "/1/media".into(),
            fields: Fields::default(),
            params: Vec::new(),
            limit: None,
            after: after.map(str::to_owned),
            shape,
            pool: PoolKey::Buc {
                account_id: "1".into(),
            },
            urgency: Urgency::Bulk,
        };
        Page::read(&request, body.as_bytes())
    }

    fn next(shape: Shape, after: Option<&str>, body: &str) -> Option<String> {
        read(shape, after, body).unwrap().next
    }

    const MORE: &str = r#"{"data":[{"id":"1"}],"paging":{"cursors":{"before":"a","after":"b"},"next":"https://x?access_token=t"}}"#;
    const LAST: &str = r#"{"data":[{"id":"1"}],"paging":{"cursors":{"before":"a","after":"b"}}}"#;
    const EMPTY_WITH_NEXT: &str =
        r#"{"data":[],"paging":{"cursors":{"after":"b"},"next":"https://x"}}"#;

    #[test]
    fn an_edge_ends_when_next_is_missing_and_only_then() {
        assert_eq!(next(Shape::Edge, None, MORE).as_deref(), Some("b"));
        assert_eq!(next(Shape::Edge, None, LAST), None);
        assert_eq!(next(Shape::Edge, None, r#"{"data":[]}"#), None);
        assert_eq!(
            next(Shape::Edge, None, EMPTY_WITH_NEXT).as_deref(),
            Some("b")
        );
    }

    #[test]
    fn a_cursor_edge_ends_without_cursor_at_an_empty_page_or_when_the_cursor_stands_still() {
        assert_eq!(next(Shape::CursorEdge, None, LAST).as_deref(), Some("b"));
        assert_eq!(next(Shape::CursorEdge, Some("b"), LAST), None);
        let empty = r#"{"data":[],"paging":{"cursors":{"after":"b"}}}"#;
        assert_eq!(next(Shape::CursorEdge, None, empty), None);
        // One that has links after all goes on behind a page of which everything was filtered out.
        let more = next(Shape::CursorEdge, None, EMPTY_WITH_NEXT);
        assert_eq!(more.as_deref(), Some("b"));
        let before_only = r#"{"data":[{"id":"1"}],"paging":{"cursors":{"before":"a"}}}"#;
        assert_eq!(next(Shape::CursorEdge, None, before_only), None);
    }

    #[test]
    fn a_cursor_that_is_the_same_on_every_page_is_gone_on_with_until_next_is_missing() {
        assert_eq!(
            next(Shape::SameCursor, Some("b"), MORE).as_deref(),
            Some("b")
        );
        assert_eq!(next(Shape::SameCursor, Some("b"), LAST), None);
        let no_cursor = r#"{"data":[],"paging":{"next":"https://x"}}"#;
        assert!(read(Shape::SameCursor, None, no_cursor).is_err());
    }

    #[test]
    fn an_object_inside_a_node_brings_the_cursor_of_its_list() {
        let shape = Shape::Within {
            object: "business_discovery",
            edge: "media",
        };
        let body = r#"{"business_discovery":{"id":"2","media":{"data":[{"id":"1"}],
            "paging":{"cursors":{"after":"b"}}}},"id":"9"}"#;
        assert_eq!(next(shape, None, body).as_deref(), Some("b"));
        assert_eq!(next(shape, Some("b"), body), None);
        assert_eq!(
            Page::id_of(&read(shape, None, body).unwrap().items[0]).as_deref(),
            Some("2")
        );
        let empty = r#"{"business_discovery":{"id":"2"},"id":"9"}"#;
        assert_eq!(next(shape, None, empty), None);
        assert!(read(shape, None, r#"{"id":"9"}"#).is_err());
    }

    #[test]
    fn a_list_that_cannot_be_gone_on_with_is_an_error() {
        let no_cursor = r#"{"data":[],"paging":{"next":"https://x"}}"#;
        assert!(matches!(
            read(Shape::Edge, None, no_cursor),
            Err(PageError::NoCursor)
        ));
        assert!(matches!(
            read(Shape::Edge, Some("b"), MORE),
            Err(PageError::StandsStill)
        ));
        assert!(matches!(
            read(Shape::Edge, None, "{\"data\":[{"),
            Err(PageError::Json(_))
        ));
        assert!(matches!(
            read(Shape::Edge, None, r#"[[{"id":"1"}],null]"#),
            Err(PageError::List)
        ));
        for (shape, body) in [
            (Shape::Node, "7"),
            (Shape::Node, "\"\""),
            (Shape::Edge, "null"),
        ] {
            assert!(matches!(read(shape, None, body), Err(PageError::NoObject)));
        }
        let nowhere = r#"{"data":[],"paging":{"cursors":{"after":""},"next":"https://x"}}"#;
        assert!(matches!(
            read(Shape::Edge, None, nowhere),
            Err(PageError::NoCursor)
        ));
        let long = MORE.replace("\"b\"", &format!("\"{}\"", "b".repeat(9000)));
        for shape in [Shape::Edge, Shape::CursorEdge] {
            assert!(matches!(
                read(shape, None, &long),
                Err(PageError::LongCursor(9000))
            ));
        }
        assert!(matches!(
            read(Shape::Edge, None, "<html>"),
            Err(PageError::Json(_))
        ));
    }

    #[test]
    fn a_page_of_more_objects_than_any_is_refused() {
        let body = |objects| format!(r#"{{"data":[{}0]}}"#, "0,".repeat(objects - 1));
        let most = read(Shape::Edge, None, &body(MOST_OBJECTS)).unwrap();
        assert_eq!(most.items.len(), MOST_OBJECTS);
        let error = read(Shape::Edge, None, &body(MOST_OBJECTS + 1)).unwrap_err();
        assert!(
            error.to_string().contains("more than 10000 items"),
            "{error}"
        );
    }

    #[test]
    fn an_item_that_cannot_be_decoded_does_not_cost_the_page() {
        let body = r#"{"data":[{"id":"1","caption":"\ud83d"},{"id":"2"}]}"#;
        assert_eq!(read(Shape::Edge, None, body).unwrap().items.len(), 2);
    }
}
