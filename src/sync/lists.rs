//! Lists that one run reads in many answers, from their tops to their ends: what they lack is deleted. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::resource::{Begun, Listed};

/// The lists whose tops this run has seen, by their owners.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<String, List>);

#[derive(Debug, Default)]
struct List {
    /// Subjects that are not read to their ends yet.
    left: BTreeSet<String>,
    objects: usize,
}

/// An answer about a subject.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) subject: &'a str,
    pub(super) listed: &'a Listed,
    pub(super) begun: &'a [Begun],
    pub(super) objects: usize,
    pub(super) is_last: bool,
}

impl Lists {
    /// Notes an answer; gives the owner when all of its list has been read. A list that showed nothing proves nothing, unless it is
    /// known to be empty: lost access looks the same.
    pub(super) fn add(&mut self, part: &Part<'_>) -> Option<String> {
        let owner = &part.listed.owner;
        if part.listed.from_top {
            let list = self.0.entry(owner.clone()).or_default();
            list.left.insert(part.subject.to_owned());
        }
        // A list that an earlier run began is not judged.
        let list = self.0.get_mut(owner)?;
        let begun = part.begun.iter().map(|begun| begun.subject.clone());
        list.left.extend(begun);
        list.objects += part.objects;
        if part.is_last {
            list.left.remove(part.subject);
        }
        if !list.left.is_empty() {
            return None;
        }
        let list = self.0.remove(owner)?;
        (list.objects > 0 || part.listed.may_be_empty).then(|| owner.clone())
    }

    /// Forgets the lists of a subject that could not be read as it should.
    pub(super) fn spoil(&mut self, subject: &str) {
        self.0.retain(|_, list| !list.left.contains(subject));
    }

    /// Forgets a list.
    pub(super) fn spoil_of(&mut self, owner: &str) {
        self.0.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(
        subject: &'a str,
        listed: &'a Listed,
        begun: &'a [Begun],
        is_last: bool,
    ) -> Part<'a> {
        Part {
            subject,
            listed,
            begun,
            objects: 1,
            is_last,
        }
    }

    fn listed(from_top: bool) -> Listed {
        Listed {
            owner: "post".to_owned(),
            from_top,
            may_be_empty: false,
        }
    }

    #[test]
    fn a_list_is_whole_when_all_that_it_began_has_ended() {
        let (top, rest) = (listed(true), listed(false));
        let begun = [Begun {
            subject: "replies".to_owned(),
            cursor: None,
        }];
        let mut lists = Lists::default();
        assert_eq!(lists.add(&part("post", &top, &begun, false)), None);
        assert_eq!(lists.add(&part("post", &rest, &[], true)), None);
        assert_eq!(
            lists.add(&part("replies", &rest, &[], true)).as_deref(),
            Some("post")
        );
    }

    #[test]
    fn a_list_without_its_top_without_a_part_or_without_objects_is_not_judged() {
        let (top, rest) = (listed(true), listed(false));
        let mut lists = Lists::default();
        assert_eq!(lists.add(&part("post", &rest, &[], true)), None);

        assert_eq!(lists.add(&part("post", &top, &[], false)), None);
        lists.spoil("post");
        assert_eq!(lists.add(&part("post", &rest, &[], true)), None);

        let empty = |listed| Part {
            objects: 0,
            ..part("post", listed, &[], true)
        };
        assert_eq!(lists.add(&empty(&top)), None);
        let known = Listed {
            may_be_empty: true,
            ..listed(true)
        };
        assert_eq!(lists.add(&empty(&known)).as_deref(), Some("post"));
    }
}
