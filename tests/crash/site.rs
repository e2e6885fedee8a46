//! A daemon at work on a PostgreSQL of its own, with a switch in between: for what can befall a database that is not killed.

use super::cluster::Cluster;
use super::house::House;
use super::peer::metric;
use super::people::{add_company_of, address};
use super::post::{copies, received};
use super::switch::{Switch, Way};
use crate::asking::get;
use crate::process::{Process, eventually};
use crate::support::{Kind, TestDatabase, folder_in_memory};

/// The daemon and all that it works with. (What is declared first ends first.)
pub struct Site {
    pub daemon: Process,
    http: u16,
    pub switch: Switch,
    pub house: House,
    /// The companies that were added, and how many people each has.
    companies: Vec<(u32, usize)>,
}

impl Site {
    /// Starts it all, with these settings besides those of a [`House`].
    pub async fn open(settings: &[(&str, &str)]) -> Self {
        let house = House::new(Kind::Postgres, folder_in_memory()).await;
        let port = house.cluster.as_ref().unwrap().port;
        Self::of(house, Way::To(port), settings).await
    }

    /// The same in this house, whose database is found this way.
    pub async fn of(mut house: House, way: Way, settings: &[(&str, &str)]) -> Self {
        let switch = Switch::new(way);
        if house.cluster.is_some() {
            let url = format!("postgres://postgres@127.0.0.1:{}/house", switch.port);
            house.installation.set("database.url", &url);
        }
        house.installation.set("database.connect_timeout", "2s");
        for (name, value) in settings {
            house.installation.set(name, value);
        }
        let (daemon, http) = house.installation.serving_daemon().await;
        let site = Self { daemon, http, switch, house, companies: Vec::new() };
        site.is_ready().await;
        site
    }

    /// The server of the database.
    pub fn cluster(&mut self) -> &mut Cluster {
        self.house.cluster.as_mut().unwrap()
    }

    /// Puts another server in the place of the database's; the old one is given back.
    pub async fn move_to(&mut self, cluster: Cluster) -> Option<Cluster> {
        self.house.db = TestDatabase::on_own_server(&cluster.url("house")).await;
        self.switch.lead(Way::To(cluster.port));
        self.house.cluster.replace(cluster)
    }

    /// Adds a company whose people are to be told of its date, and waits until the first of them are.
    pub async fn begin_to_tell(&mut self, people: usize) {
        self.add(people).await;
        let before = self.told();
        eventually("some are told", async || (received(&self.house.sink).len() + people > before).then_some(())).await;
    }

    /// Adds a company whose people are to be told of its date.
    pub async fn add(&mut self, people: usize) {
        let number = 3 + u32::try_from(self.companies.len()).unwrap();
        self.companies.push((number, people));
        add_company_of(&self.house.db, number, people).await;
    }

    fn told(&self) -> usize {
        self.companies.iter().map(|(_, people)| people).sum()
    }

    /// The daemon says this, counts failures of its tasks, and lives.
    pub async fn is_in_trouble(&mut self, said: &str) {
        self.daemon.says(said).await;
        eventually("the metrics tell of it", async || (self.failures().await > 0.0).then_some(())).await;
        assert_eq!(get(self.http, "/healthz").await.0, 200, "the process lives");
    }

    /// How many runs of tasks have failed.
    pub async fn failures(&self) -> f64 {
        self.metric("mfa_enforcer_task_failures_total").await
    }

    /// The sum of this metric's values.
    pub async fn metric(&self, name: &str) -> f64 {
        metric(self.http, name).await
    }

    /// `/readyz` says no, for this reason.
    pub async fn is_not_ready(&self, reason: &str) {
        eventually(&format!("it is not ready: {reason}"), async || {
            let (status, said) = get(self.http, "/readyz").await;
            (status == 503 && said.contains(reason)).then_some(())
        })
        .await;
    }

    /// `/readyz` says yes.
    pub async fn is_ready(&self) {
        eventually("it is ready", async || (get(self.http, "/readyz").await.0 == 200).then_some(())).await;
    }

    /// By itself the daemon does all that is left to do: it is ready, and everybody has one mail. Then it ends in order.
    pub async fn recovers(self) {
        self.is_ready().await;
        let (told, sent) = (self.told(), "SELECT count(*) FROM notices WHERE state = 'sent'");
        eventually("everybody is told", async || (self.house.number(sent).await == told).then_some(())).await;
        let received = received(&self.house.sink);
        for (company, people) in &self.companies {
            for person in 1..=*people {
                assert!(received.contains_key(&address(*company, person)), "person {person} got no mail");
            }
        }
        let copies = copies(&received);
        assert_eq!(copies.len(), told, "one mail each");
        assert!(copies.values().all(|&count| count == 1), "a daemon that lives repeats none: {copies:?}");
        self.daemon.signal("TERM");
        let ended = self.daemon.ended().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked at"), "{}", ended.stderr);
        self.house.installation.succeeds(&["audit", "verify"]).await;
    }
}
