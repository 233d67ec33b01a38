//! Accounts that were read before, and that no token reaches any more: whoever leaves them out says so.

use super::job::{Account, DISCOVERY, is_called};
use super::selection::Selection;
use super::world::World;
use crate::store::{Gap, Reason, StoreError};

/// What a person can do about an account that was read before and is not there.
pub const LOST: &str = "was read before, but no token reaches it any more: see that the account is linked to its Page and the Page is given to a \
    token's user; or leave it out by accounts.exclude, or remove it with `igsync forget`";

impl World {
    /// Notes the accounts that were read before, are to be read and were not found, though every token was asked. Says which.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lost(
        &self,
        selection: &Selection,
        found: &[Account],
    ) -> Result<Vec<String>, StoreError> {
        let known = self.store.accounts().await?;
        let unreached = selection.unreached(found);
        let is_there = |id: &str| found.iter().any(|account| account.id == id);
        let (mut lost, mut there, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        for (id, username) in known {
            let username = username.as_deref();
            if is_there(&id) || !selection.permits(&id, username) {
                there.push(id);
                continue;
            }
            if !selection.means(&id, username) {
                continue;
            }
            let label = username.unwrap_or(&id).to_owned();
            gaps.push(Gap {
                account_id: Some(id.clone()),
                resource: DISCOVERY,
                object_id: None,
                field: None,
                reason: Reason::Gone,
                detail: format!("{label} {LOST}"),
            });
            // What the configuration names is named by that.
            if !unreached.iter().any(|name| is_called(&id, username, name)) {
                lost.push(label);
            }
        }
        self.store.note_lost(gaps, there, self.clock.now()).await?;
        Ok(lost)
    }
}
