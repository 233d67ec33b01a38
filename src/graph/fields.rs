//! Field lists: the value of the `fields` parameter.
//!
//! A list never names a field twice, which the API refuses with code 2500 ("Field Expansion" page).

use std::fmt;

/// An ordered set of fields, some of them edges with a selection of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<Field>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: String,
    selection: Option<Fields>,
    /// Whether the rest is worth asking for without it.
    is_extra: bool,
}

impl Field {
    /// Its name without arguments.
    fn edge(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }
}

impl Fields {
    /// A list of plain fields, in this order, each once.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut fields = Self::default();
        for name in names {
            fields.insert(name, None);
        }
        fields
    }

    /// The same list with an edge or object and what is wanted of it; joins a selection that is there already.
    pub fn with(mut self, name: &str, selection: Self) -> Self {
        self.insert(name, Some(selection));
        self
    }

    /// The same list with an edge that may be left out where it refuses the rest.
    pub fn with_extra(mut self, name: &str, selection: Self) -> Self {
        self = self.with(name, selection);
        for field in self.0.iter_mut().filter(|field| field.name == name) {
            field.is_extra = true;
        }
        self
    }

    /// The list without what may be left out, wherever that stands; `None` where nothing may.
    pub fn without_extras(&self) -> Option<Self> {
        let mut rest = self.clone();
        rest.remove_extras().then_some(rest)
    }

    fn remove_extras(&mut self) -> bool {
        let before = self.0.len();
        self.0.retain(|field| !field.is_extra);
        let mut removed = self.0.len() < before;
        for selection in self.0.iter_mut().filter_map(|f| f.selection.as_mut()) {
            removed |= selection.remove_extras();
        }
        removed
    }

    /// The places of what may be left out, and of all that is wanted of it: `children`, `children.id`.
    pub fn extras(&self) -> Vec<String> {
        let mut places = Vec::new();
        for field in &self.0 {
            let selection = field.selection.as_ref();
            if !field.is_extra {
                places.extend(selection.map(Self::extras).unwrap_or_default());
                continue;
            }
            let inner = selection.map(Self::all_names).unwrap_or_default();
            let inner = inner.iter().map(|name| format!("{}.{name}", field.edge()));
            places.push(field.edge().to_owned());
            places.extend(inner);
        }
        places
    }

    /// The same list, then the fields of another one.
    pub fn and(mut self, other: Self) -> Self {
        for field in other.0 {
            self.insert(&field.name, field.selection);
        }
        self
    }

    /// Takes a field out, wherever it stands; says whether it was there. `children.permalink` stands inside `children` only.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0
            .retain(|field| field.name != name && !(field.is_extra && field.edge() == name));
        let mut removed = self.0.len() < before;
        for field in &mut self.0 {
            let inside = name.split_once('.');
            let inside = inside.filter(|(edge, _)| *edge == field.edge());
            let name = inside.map_or(name, |(_, name)| name);
            if let Some(selection) = &mut field.selection {
                removed |= selection.remove(name);
            }
        }
        removed
    }

    /// Whether the field at `path` is asked for; `owner.id` names `id` inside `owner`. A field without a
    /// selection of its own stands for all of it.
    pub fn contains(&self, path: &str) -> bool {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        self.0
            .iter()
            .find(|field| field.name == name)
            .is_some_and(|field| match (&field.selection, rest) {
                (Some(selection), Some(rest)) => selection.contains(rest),
                _ => true,
            })
    }

    /// The names on the first level.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|field| field.name.as_str())
    }

    /// The names on every level.
    pub fn all_names(&self) -> Vec<&str> {
        let selections = self.0.iter().filter_map(|field| field.selection.as_ref());
        let inner = selections.flat_map(Self::all_names);
        self.names().chain(inner).collect()
    }

    /// What is wanted of an edge or an object on the first level, whatever its arguments.
    pub fn selection(&self, name: &str) -> Option<&Self> {
        let mut fields = self.0.iter();
        let field = fields.find(|field| field.edge() == name);
        field?.selection.as_ref()
    }

    /// The same list with the page of an edge that is wanted, wherever the edge stands.
    pub(super) fn paged(&self, edge: &str, limit: Option<u32>, after: Option<&str>) -> Self {
        let page = |field: &Field| {
            let selection = field.selection.as_ref();
            let mut name = field.name.clone();
            if name == edge {
                let limit = limit.map(|limit| format!(".limit({limit})"));
                let after = after.map(|after| format!(".after({after})"));
                name.extend(limit.into_iter().chain(after));
            }
            Field {
                name,
                selection: selection.map(|inner| inner.paged(edge, limit, after)),
                is_extra: field.is_extra,
            }
        };
        Self(self.0.iter().map(page).collect())
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, name: &str, selection: Option<Self>) {
        match self.0.iter_mut().find(|field| field.name == name) {
            None => self.0.push(Field {
                name: name.to_owned(),
                selection,
                is_extra: false,
            }),
            Some(field) => {
                for inner in selection.into_iter().flat_map(|selection| selection.0) {
                    field
                        .selection
                        .get_or_insert_default()
                        .insert(&inner.name, inner.selection);
                }
            }
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, field) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(&field.name)?;
            match &field.selection {
                Some(selection) if !selection.is_empty() => write!(f, "{{{selection}}}")?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_reads_as_the_api_writes_it() {
        let children = Fields::of(["id", "media_type", "id"]);
        let fields = Fields::of(["id", "caption", "id"])
            .with("children", children)
            .with("children", Fields::of(["media_url", "id"]));
        assert_eq!(
            fields.to_string(),
            "id,caption,children{id,media_type,media_url}"
        );
    }

    #[test]
    fn a_refused_field_goes_wherever_it_stands() {
        let mut fields =
            Fields::of(["id", "caption"]).with("children", Fields::of(["id", "permalink"]));
        assert!(fields.remove("permalink"));
        assert!(!fields.remove("permalink"));
        assert!(fields.contains("children.id") && !fields.contains("children.permalink"));
        assert!(Fields::of(["owner"]).contains("owner.id"));
        assert_eq!(fields.to_string(), "id,caption,children{id}");
    }

    #[test]
    fn what_may_be_left_out_leaves_the_rest() {
        let plain = Fields::of(["id"]).with("owner", Fields::of(["id"]));
        assert_eq!(plain.without_extras(), None);
        let fields = plain.clone().with_extra("tags", Fields::of(["x"]));
        assert_eq!(fields.to_string(), "id,owner{id},tags{x}");
        assert_eq!(fields.without_extras(), Some(plain));
    }

    #[test]
    fn what_may_be_left_out_is_found_and_taken_out_by_its_place() {
        let parts = Fields::of(["id", "permalink"]);
        let posts = Fields::of(["id", "permalink"]).with_extra("children.limit(9)", parts);
        let fields = Fields::default().with("media.limit(2)", posts);
        let places = ["children", "children.id", "children.permalink"];
        assert_eq!(fields.extras(), places);
        let without = |place: &str| {
            let mut fields = fields.clone();
            assert!(fields.remove(place));
            fields.to_string()
        };
        assert_eq!(
            without("children.permalink"),
            "media.limit(2){id,permalink,children.limit(9){id}}"
        );
        assert_eq!(without("children"), "media.limit(2){id,permalink}");
        assert_eq!(
            fields.without_extras().unwrap().to_string(),
            without("children")
        );
        assert!(!fields.clone().remove("children.caption"));
    }

    #[test]
    fn a_page_of_an_edge_is_asked_for_inside_the_list() {
        let posts = Fields::of(["id", "caption"]);
        let profile = Fields::of(["username"]).with("media", posts);
        let fields = Fields::default().with("business_discovery.username(a.b)", profile);
        let paged = |limit, after| fields.paged("media", limit, after).to_string();
        assert_eq!(
            paged(Some(50), Some("QVFI")),
            "business_discovery.username(a.b){username,media.limit(50).after(QVFI){id,caption}}"
        );
        assert_eq!(paged(None, None), fields.to_string());
        let inner = fields.selection("business_discovery").unwrap();
        assert_eq!(inner.selection("media").unwrap().to_string(), "id,caption");
        assert_eq!(fields.all_names().len(), 5);
    }

    proptest! {
        #[test]
        fn no_field_is_ever_named_twice(names in proptest::collection::vec("[a-c]", 0..12)) {
            let text = Fields::of(names.iter().map(String::as_str)).to_string();
            let mut seen: Vec<&str> = text.split(',').collect();
            seen.sort_unstable();
            let count = seen.len();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
        }
    }
}
