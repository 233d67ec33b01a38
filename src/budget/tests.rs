use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(1_800_000_000 + seconds)
}

fn buc(account: &str) -> PoolKey {
    PoolKey::Buc {
        account_id: account.to_owned(),
    }
}

fn app() -> PoolKey {
    PoolKey::App {
        credential: "main".to_owned(),
    }
}

fn told(percent: f32) -> Reading {
    Reading {
        call_count: percent,
        ..Reading::default()
    }
}

fn demand(pools: &[PoolKey], urgency: Urgency) -> Demand<'_> {
    Demand {
        pools,
        calls: 1,
        urgency,
    }
}

/// Sends calls, one after the other and paced, until one may not go; gives how many went.
async fn send_all(budget: &Budget, pool: &PoolKey, urgency: Urgency) -> u32 {
    let pools = std::slice::from_ref(pool);
    for sent in 0..10_000 {
        loop {
            match budget.admit(demand(pools, urgency), at(1)) {
                Admission::Go => break,
                Admission::After(wait) => tokio::time::sleep(wait).await,
                Admission::Busy(_) | Admission::Closed(..) => return sent,
            }
        }
        budget.settle(demand(pools, urgency), at(1));
    }
    panic!("it never ends");
}

#[tokio::test(start_paused = true)]
async fn urgent_calls_go_beyond_what_is_reserved_and_bulk_calls_do_not() {
    let budget = Budget::new(Settings::default());
    let pool = app();
    budget.observe(&pool, told(60.0), at(0));
    budget.reserve(&pool, 1, at(0));
    // A call costs half a percent, and is made 24 times in a window: 12 % are kept.
    let bulk = send_all(&budget, &pool, Urgency::Bulk).await;
    assert_eq!(bulk, 16);
    assert!(budget.levels(&pool, at(1))[0] < 69.0);
    assert_eq!(send_all(&budget, &pool, Urgency::Bulk).await, 0);
    assert_eq!(send_all(&budget, &pool, Urgency::Urgent).await, 24);
    assert!(budget.levels(&pool, at(1))[0] <= 80.0);

    // However much is reserved, a quarter of the ceiling at most is kept.
    let budget = Budget::new(Settings::default());
    budget.observe(&pool, told(50.0), at(0));
    budget.reserve(&pool, 10_000, at(0));
    let bulk = send_all(&budget, &pool, Urgency::Bulk).await;
    assert_eq!(bulk, 20);
}

#[test]
fn room_for_urgent_calls_that_came_no_more_for_a_window_is_given_back() {
    let budget = Budget::new(Settings::default());
    let pool = app();
    budget.reserve(&pool, 10, at(0));
    let kept = |now| {
        let ceiling = |urgency| budget.ceiling(&pool, urgency, now);
        ceiling(Urgency::Urgent) - ceiling(Urgency::Bulk)
    };
    assert!((kept(at(3599)) - 20.0).abs() < 0.01, "{}", kept(at(3599)));
    assert!(kept(at(3600)).abs() < 0.01);
    // Half an hour later some were made again, a few first and then more: twice a window.
    for (calls, second) in [(1, 1800), (2, 1801), (1, 1870)] {
        budget.reserve(&pool, calls, at(second));
    }
    assert!((kept(at(1900)) - 4.0).abs() < 0.01, "{}", kept(at(1900)));
    // The next ones came long after that: once.
    budget.reserve(&pool, 4, at(9000));
    assert!((kept(at(9001)) - 2.0).abs() < 0.01, "{}", kept(at(9001)));
    // It is kept in the next process, too.
    let after = Budget::new(Settings::default());
    for (key, state) in budget.states(at(9005)) {
        after.restore(&key, state, at(9005));
    }
    assert_eq!(budget.states(at(9005)), after.states(at(9005)));
    assert!(after.ceiling(&pool, Urgency::Bulk, at(9005)) < 79.0);
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_pool_holds_up_no_other() {
    let budget = Budget::new(Settings::default());
    for used_up in [app(), buc("1")] {
        budget.observe(&used_up, told(100.0), at(0));
        let pools = std::slice::from_ref(&used_up);
        let asked = budget.admit(demand(pools, Urgency::Urgent), at(1));
        assert!(matches!(asked, Admission::Closed(pool, _) if pool == used_up));
    }
    assert_eq!(
        budget.admit(demand(&[buc("2")], Urgency::Bulk), at(1)),
        Admission::Go
    );
    // A call that is metered in both asks both, and sends nothing in either when one is closed.
    let both = [buc("3"), app()];
    let asked = budget.admit(demand(&both, Urgency::Bulk), at(1));
    assert!(matches!(asked, Admission::Closed(pool, _) if pool == app()));
    assert_eq!(
        budget.state(&buc("3"), at(1)).map(|state| state.own_calls),
        Some(0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_pool_is_asked_by_one_call_when_its_time_has_come() {
    let budget = Budget::new(Settings::default());
    let pool = [buc("1")];
    let closed = budget.refuse(&pool[0], None, "code 80002", at(0));
    let asked = budget.admit(demand(&pool, Urgency::Urgent), at(1));
    assert_eq!(asked, Admission::Closed(pool[0].clone(), closed.clone()));
    let opens = closed.until;
    assert_eq!(
        budget.admit(demand(&pool, Urgency::Bulk), opens),
        Admission::Go
    );
    let asked = budget.admit(demand(&pool, Urgency::Bulk), opens);
    assert_eq!(asked, Admission::Busy(pool[0].clone()));
}

#[tokio::test(start_paused = true)]
async fn a_pool_goes_on_in_the_next_process_where_it_was() {
    let before = Budget::new(Settings::default());
    let pool = app();
    before.observe(&pool, told(60.0), at(0));
    send_all(&before, &pool, Urgency::Bulk).await;
    before.refuse(&buc("1"), None, "code 80002", at(0));
    let after = Budget::new(Settings::default());
    for (key, state) in before.states(at(5)) {
        after.restore(&key, state, at(5));
    }
    let (known, restored) = (
        before.levels(&pool, at(5))[0],
        after.levels(&pool, at(5))[0],
    );
    assert!((known - restored).abs() < 0.1, "{restored} of {known}");
    assert_eq!(before.states(at(5)), after.states(at(5)));
    let asked = after.admit(demand(&[buc("1")], Urgency::Urgent), at(6));
    assert!(matches!(asked, Admission::Closed(..)));
}
