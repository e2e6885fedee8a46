//! What befalls a PostgreSQL besides being killed. The daemon says what is going on, lives, and goes on by itself.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::site::Site;
use super::switch::Way;

/// How many people are told while something happens.
const PEOPLE: usize = 120;

/// Ends the daemon's connections.
const CUT_OFF: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mfa-enforcer'";

#[tokio::test]
async fn a_server_that_is_restarted_is_waited_for() {
    let mut site = Site::open(&[]).await;
    site.begin_to_tell(PEOPLE).await;
    site.switch.lead(Way::Refused);
    site.cluster().stop();
    site.is_in_trouble(
        "no connection to the database within 2 s: error communicating with database: Connection refused",
    )
    .await;
    site.is_not_ready("Connection refused").await;
    site.cluster().start_again().await;
    let port = site.cluster().port;
    site.switch.lead(Way::To(port));
    site.recovers().await;
}

#[tokio::test]
async fn another_server_takes_over() {
    let mut site = Site::open(&[]).await;
    let standby = site.cluster().standby().await;
    site.begin_to_tell(PEOPLE).await;
    site.cluster().kill();
    site.switch.lead(Way::Refused);
    site.is_in_trouble("Connection refused").await;
    site.is_not_ready("Connection refused").await;
    standby.promote().await;
    drop(site.move_to(standby).await);
    site.recovers().await;
}

/// As after a failover that leaves the old server to its connections: they serve for reading, and are left.
#[tokio::test]
async fn a_server_that_has_become_read_only_is_left() {
    let mut site = Site::open(&[]).await;
    site.cluster().execute("ALTER DATABASE house SET default_transaction_read_only = on").await;
    site.cluster().execute(CUT_OFF).await;
    site.is_in_trouble("in a read-only transaction").await;
    // The daemon's connections since then are read-only for as long as they are open.
    site.cluster().execute("ALTER DATABASE house RESET default_transaction_read_only").await;
    site.add(PEOPLE).await;
    site.recovers().await;
}

#[tokio::test]
async fn a_server_with_too_many_connections_is_waited_for() {
    let mut site = Site::open(&[]).await;
    site.begin_to_tell(PEOPLE).await;
    site.cluster().execute("ALTER SYSTEM SET max_connections = 16").await;
    site.cluster().stop();
    site.cluster().start_again().await;
    site.is_ready().await;

    let url = site.cluster().url("postgres");
    let mut others = vec![PgConnection::connect(&url).await.unwrap()];
    // Whoever comes first gets a place: others take all those that the daemon loses.
    loop {
        match PgConnection::connect(&url).await {
            Ok(other) => others.push(other),
            Err(_) if sqlx::raw_sql(CUT_OFF).fetch_all(&mut others[0]).await.unwrap().is_empty() => break,
            Err(_) => {}
        }
    }
    site.is_in_trouble("sorry, too many clients already").await;
    site.is_not_ready("sorry, too many clients already").await;
    drop(others);
    site.recovers().await;
}

#[tokio::test]
async fn a_server_too_slow_for_the_statement_timeout_is_waited_for() {
    let mut site = Site::open(&[("database.statement_timeout", "500ms")]).await;
    let slow =
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
                CREATE TRIGGER slow BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION slow()";
    site.house.db.execute(slow).await;
    site.add(PEOPLE).await;
    site.is_in_trouble("canceling statement due to statement timeout").await;
    site.is_not_ready("task deliver has failed").await;
    site.house.db.execute("DROP TRIGGER slow ON mails").await;
    site.recovers().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_waited_for() {
    let mut site = Site::open(&[]).await;
    site.cluster().hold(true);
    site.is_not_ready("does not answer").await;
    site.is_in_trouble("no connection to the database within 2 s: it does not answer").await;
    site.cluster().hold(false);
    site.add(PEOPLE).await;
    site.recovers().await;
}
