//! Which runs belong together.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::store::{NewRun, Store, StoreError};

/// The runs of one start: all carry the id of the first.
#[derive(Clone, Debug, Default)]
pub struct Group(Arc<OnceCell<i64>>);

impl Group {
    /// The runs that belong to this one.
    pub fn of(run: Option<i64>) -> Self {
        Self(Arc::new(OnceCell::new_with(run)))
    }

    /// The id of the first run; `None` before it began.
    pub fn run(&self) -> Option<i64> {
        self.0.get().copied()
    }

    /// Begins a run of this group.
    pub(super) async fn begin(&self, store: &Store, run: NewRun) -> Result<i64, StoreError> {
        let mut own = None;
        let first = self.0.get_or_try_init(|| async {
            let id = store.begin_run(run.clone()).await?;
            own = Some(id);
            Ok(id)
        });
        let started_by = Some(*first.await?);
        match own {
            Some(id) => Ok(id),
            None => store.begin_run(NewRun { started_by, ..run }).await,
        }
    }
}
