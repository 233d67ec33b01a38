//! How many objects a page is asked to hold. Pure.
//!
//! Halved when the API says it is too much, doubled after a few good pages, but not into the size that was refused:
//! that one is tried again rarely. Maximums are not documented for most edges; connectors use up to 100.

/// The size of the next page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageSize {
    now: u32,
    /// Not above this.
    most: u32,
    good: u32,
}

const START: u32 = 50;
const MOST: u32 = 100;

/// Good pages before the size is doubled.
const GROW_AFTER: u32 = 4;

/// Good pages before a refused size is tried again.
const DARE_AFTER: u32 = 64;

impl Default for PageSize {
    fn default() -> Self {
        Self {
            now: START,
            most: MOST,
            good: 0,
        }
    }
}

impl PageSize {
    /// For a list that was walked through before.
    pub(super) fn of_known_list() -> Self {
        Self::of(MOST)
    }

    /// To begin with.
    pub(super) fn of(size: u32) -> Self {
        Self {
            now: size,
            ..Self::default()
        }
    }

    /// What to ask for.
    pub(super) fn get(&self) -> u32 {
        self.now
    }

    /// How many pages a list of so many objects takes when no page is too much: one at least.
    pub(super) fn pages_for(objects: u64) -> u64 {
        let (mut size, mut left, mut pages) = (Self::default(), objects, 1);
        while size.now < MOST && left > u64::from(size.now) {
            left -= u64::from(size.now);
            pages += 1;
            size.answered();
        }
        pages + left.saturating_sub(1) / u64::from(size.now)
    }

    /// Notes that the page was too much; false when a single object is already too much.
    pub(super) fn shrink(&mut self) -> bool {
        let can = self.now > 1;
        self.most = (self.now * 3 / 4).max(1);
        self.now = (self.now / 2).max(1);
        self.good = 0;
        can
    }

    /// Notes a good page.
    pub(super) fn answered(&mut self) {
        self.good += 1;
        if self.now < self.most && self.good >= GROW_AFTER {
            self.now = (self.now * 2).min(self.most);
            self.good = 0;
        } else if self.most < MOST && self.good >= DARE_AFTER {
            self.most = (self.most * 2).min(MOST);
            self.good = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that were asked for, and how many of them a server that takes at most `limit` refused.
    fn walk(limit: u32, pages: usize) -> (Vec<u32>, usize) {
        let (mut size, mut sizes, mut refused) = (PageSize::default(), Vec::new(), 0);
        while sizes.len() < pages {
            if size.get() > limit {
                refused += 1;
                assert!(size.shrink());
            } else {
                sizes.push(size.get());
                size.answered();
            }
        }
        (sizes, refused)
    }

    #[test]
    fn a_page_grows_to_the_most_that_connectors_use() {
        let (sizes, refused) = walk(100, 10);
        assert_eq!(
            (sizes[..5].to_vec(), refused),
            (vec![50, 50, 50, 50, 100], 0)
        );
    }

    #[test]
    fn a_refused_size_is_tried_again_rarely() {
        let (sizes, refused) = walk(60, 70);
        assert!(
            refused <= 4,
            "{refused} of {} were refused",
            sizes.len() + refused
        );
        assert!(sizes[sizes.len() - 1] >= 30, "{sizes:?}");
    }

    #[test]
    fn a_single_object_cannot_be_halved() {
        let mut size = PageSize::default();
        while size.shrink() {}
        assert_eq!(size.get(), 1);
        let (sizes, _) = walk(1, 20);
        assert_eq!(sizes, [1; 20]);
    }
}
