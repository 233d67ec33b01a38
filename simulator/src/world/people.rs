//! Who follows an account: age, gender, country, city.

use super::account::Account;
use super::insight::split;

/// The API tells at most this many entries ("Instagram Account Insights" page).
const MOST_ENTRIES: usize = 45;

const AGES: [&str; 7] = ["13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"];
const GENDERS: [&str; 3] = ["F", "M", "U"];
const COUNTRIES: [&str; 50] = [
    "AR", "AT", "AU", "BE", "BG", "BR", "CA", "CH", "CL", "CN", "CO", "CZ", "DE", "DK", "EE", "EG",
    "ES", "FI", "FR", "GB", "GR", "HR", "HU", "ID", "IE", "IL", "IN", "IS", "IT", "JP", "KR", "LT",
    "LU", "LV", "MA", "MX", "NG", "NL", "NO", "NZ", "PE", "PL", "PT", "RO", "RS", "SE", "SI", "SK",
    "TR", "US",
];
const CITIES: [&str; 8] = [
    "Berlin, Berlin",
    "London, England",
    "New York, New York",
    "Oslo, Oslo",
    "Prague, Hlavní město Praha",
    "São Paulo, São Paulo (state)",
    "Toulouse, Midi-Pyrénées",
    "Utrecht, Utrecht",
];

impl Account<'_> {
    /// People by one or several of `age`, `city`, `country` and `gender`: the largest groups first. People of whom
    /// the API knows nothing are missing, so the sum is smaller than the whole.
    pub fn audience(&self, metric: &str, breakdowns: &[&str]) -> Vec<(Vec<String>, i64)> {
        let known = self.audience_size(metric) * 93 / 100;
        let mut groups = vec![(Vec::new(), known)];
        for breakdown in breakdowns {
            let values: &[&str] = match *breakdown {
                "age" => &AGES,
                "gender" => &GENDERS,
                "country" => &COUNTRIES,
                _ => &CITIES,
            };
            groups = groups
                .into_iter()
                .flat_map(|(path, size)| {
                    let bits = self.metric_seed(breakdown).bits();
                    split(size, bits, values)
                        .into_iter()
                        .map(move |(value, share)| {
                            let mut path: Vec<String> = path.clone();
                            path.push(value.to_owned());
                            (path, share)
                        })
                })
                .collect();
        }
        groups.retain(|(_, size)| *size > 0);
        groups.sort_by(|(left, more), (right, less)| less.cmp(more).then_with(|| left.cmp(right)));
        groups.truncate(MOST_ENTRIES);
        groups
    }

    /// How many people a demographic metric is about.
    pub(crate) fn audience_size(&self, metric: &str) -> i64 {
        let per_mille = match metric {
            "follower_demographics" => 1000,
            "reached_audience_demographics" => 700,
            _ => 60,
        };
        self.followers_count() * per_mille / 1000
    }
}
