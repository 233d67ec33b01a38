//! How numbers grow: fast at first, slower later, and not at all once they have settled.

use super::timeline::{DAY, whole};

/// After this age the numbers of a post stay as they are.
pub(crate) const SETTLED_AFTER: i64 = 60 * DAY;

/// The part of `total` that is there at an age, in whole numbers so that every machine agrees.
pub(crate) fn grown(total: u64, age: i64, settled_after: i64) -> u64 {
    if age <= 0 {
        return 0;
    }
    if age >= settled_after {
        return total;
    }
    let half_way = i128::from(settled_after / 20).max(1);
    let (age, end) = (i128::from(age), i128::from(settled_after));
    whole(i128::from(total) * age * (end + half_way) / ((age + half_way) * end)).cast_unsigned()
}

/// The age at which event `index` of `total` happens: most of them soon, in the order of their indices.
///
/// `jitter` is below 1,000.
pub(crate) fn age_of_event(index: u64, total: u64, jitter: u64, settled_after: i64) -> i64 {
    let progress =
        (i128::from(index) * 1000 + i128::from(jitter)) * 1000 / i128::from(total.max(1));
    let cubed = progress * progress * progress;
    let fastest = 60;
    fastest + whole(i128::from(settled_after - fastest) * cubed / 1_000_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_never_shrinks_starts_fast_and_settles() {
        let at = |age| grown(10_000, age, SETTLED_AFTER);
        let series: Vec<u64> = (0..80).map(|day| at(day * DAY)).collect();
        assert!(series.is_sorted());
        assert!(at(3 * DAY) > 4_000, "{}", at(3 * DAY));
        assert_eq!(
            (at(0), at(SETTLED_AFTER), at(i64::MAX)),
            (0, 10_000, 10_000)
        );
    }

    #[test]
    fn events_keep_their_order_within_the_growing_age() {
        let ages: Vec<i64> = (0..40)
            .map(|n| age_of_event(n, 40, 500, SETTLED_AFTER))
            .collect();
        assert!(ages.is_sorted());
        assert!(ages[0] >= 60 && ages[39] < SETTLED_AFTER);
    }
}
