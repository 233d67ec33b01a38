//! Which account asks for which name: a hashtag, a username. Pure.
//!
//! Any account may ask for any name, and each has 30 hashtags of its own; so one account asks for each name. Who asked last asks
//! again: its hashtag is spent already, and what is known of the name is kept with the account. A new name goes to the account with
//! the fewest.

use std::collections::BTreeMap;

use super::job::Account;

/// The accounts among which names are shared.
pub(super) struct Among<'a> {
    /// Those that the tokens reach and the configuration allows.
    pub(super) allowed: &'a [&'a Account],
    /// Those of them that are read now.
    pub(super) chosen: &'a [&'a Account],
    /// Whether every token could be asked for its accounts.
    pub(super) all_asked: bool,
}

/// Who asks, by resource and name. Nobody asks for anything by default.
#[derive(Debug, Default)]
pub struct Askers(BTreeMap<(&'static str, String), String>);

impl Askers {
    /// Gives each name of a resource to an account, unless it has one. `known` are names and the accounts that asked for them,
    /// the latest last.
    pub(super) fn share(
        &mut self,
        resource: &'static str,
        names: &[String],
        known: &[(String, String)],
        among: &Among<'_>,
    ) {
        let mut new = Vec::new();
        for name in names {
            let mut known = known.iter().rev().filter(|(known, _)| known == name);
            let mut before = known.clone().map(|(_, account)| account);
            let before = before.find(|id| among.allowed.iter().any(|one| one.id == **id));
            let key = (resource, name.clone());
            match before {
                Some(account) => {
                    self.0.entry(key).or_insert_with(|| account.clone());
                }
                // Its account may be one of a token that could not be asked.
                None if known.next().is_some() && !among.all_asked => {}
                None => new.push(key),
            }
        }
        for key in new {
            if self.0.contains_key(&key) {
                continue;
            }
            let load = |account: &&&Account| self.names_of(resource, &account.id).len();
            if let Some(account) = among.chosen.iter().min_by_key(load) {
                self.0.insert(key, account.id.clone());
            }
        }
    }

    /// The names that an account asks for.
    pub(super) fn names_of(&self, resource: &str, account_id: &str) -> Vec<String> {
        let all = self.0.iter();
        let own = all.filter(|((of, _), account)| *of == resource && *account == account_id);
        own.map(|((_, name), _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> Account {
        Account {
            id: id.to_owned(),
            username: None,
            media_count: None,
            routes: Vec::new(),
        }
    }

    /// Who asks for `a` to `d`, where something is known.
    fn shared(known: &[(&str, &str)], allowed: &[&str], all_asked: bool) -> Vec<String> {
        let accounts: Vec<Account> = allowed.iter().map(|id| account(id)).collect();
        let accounts: Vec<&Account> = accounts.iter().collect();
        let own = |(name, account): &(&str, &str)| ((*name).to_owned(), (*account).to_owned());
        let known: Vec<_> = known.iter().map(own).collect();
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let among = Among {
            allowed: &accounts,
            chosen: &accounts,
            all_asked,
        };
        let mut askers = Askers::default();
        askers.share("hashtags", &names, &known, &among);
        let of = |id: &&str| format!("{id}: {}", askers.names_of("hashtags", id).join(" "));
        allowed.iter().map(of).collect()
    }

    #[test]
    fn new_names_are_shared_evenly_and_each_has_one_asker() {
        assert_eq!(shared(&[], &["1", "2"], true), ["1: a c", "2: b d"]);
        assert_eq!(shared(&[], &["1"], true), ["1: a b c d"]);
    }

    #[test]
    fn who_asked_asks_again_and_new_names_go_to_who_has_the_fewest() {
        let known = [("a", "2"), ("b", "2"), ("c", "2")];
        assert_eq!(shared(&known, &["1", "2"], true), ["1: d", "2: a b c"]);
        // The latest of several; an account that is not reached any more asks no more.
        let known = [("a", "1"), ("a", "2"), ("a", "3")];
        assert_eq!(shared(&known, &["1", "2"], true)[1], "2: a d");
    }

    #[test]
    fn a_name_waits_for_its_account_while_a_token_could_not_be_asked() {
        let known = [("a", "9")];
        assert_eq!(shared(&known, &["1"], false), ["1: b c d"]);
        assert_eq!(shared(&known, &["1"], true), ["1: a b c d"]);
    }

    #[test]
    fn what_was_shared_in_this_start_stays_where_it_is() {
        let (one, two) = (account("1"), account("2"));
        let names = ["a".to_owned(), "b".to_owned()];
        let mut askers = Askers::default();
        for accounts in [&[&one][..], &[&one, &two]] {
            let among = Among {
                allowed: accounts,
                chosen: accounts,
                all_asked: false,
            };
            askers.share("hashtags", &names, &[], &among);
        }
        assert_eq!(askers.names_of("hashtags", "1"), names);
    }
}
