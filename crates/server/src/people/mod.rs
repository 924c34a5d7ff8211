//! Who may ask: keys, users and sessions as they were in the store a few seconds ago, and an issuer's tokens.
//!
//! No request waits for the store to know who asks, and none is let in because the store is down. What is revoked, disabled or ended here is so at
//! once, what another process does to the store within [`READ_EVERY`].

mod issuer;
mod jwks;
pub mod key;
mod limits;
pub mod tenant;
pub mod token;
mod verify;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use store::{ApiKey, Session, Store, User};
use tokio::sync::Mutex;

pub use issuer::Asked;
use issuer::Issuer;
pub use limits::Buckets;
use limits::Everybody;
use token::{Claimed, Tokens, Use};

use crate::config::Settings;
use crate::http::who::{Kind, Principal, Role, hash};
use crate::serve::clock::wall;

/// How often keys, users and sessions are read again.
pub const READ_EVERY: Duration = Duration::from_secs(5);

/// A key, and whoever asks with it: made once, for a key asks again and again.
struct Known {
    key: ApiKey,
    who: Arc<Principal>,
}

impl Known {
    fn new(key: ApiKey, buckets: Arc<Buckets>) -> Self {
        let who = Arc::new(Principal {
            name: format!("key:{}", key.id),
            kind: Kind::Key { made_by: key.created_by.clone(), hash: key.hash.clone() },
            role: key.role.as_deref().and_then(|role| role.parse().ok()),
            scopes: key.scopes.clone(),
            tenant: key.tenant.clone(),
            buckets: Some(buckets),
        });
        Self { key, who }
    }
}

/// Everybody who may ask.
pub struct People {
    /// By the hash of the secret; those that are revoked stay, so that nobody becomes `local` again.
    keys: ArcSwap<BTreeMap<String, Arc<Known>>>,
    /// By subject.
    users: ArcSwap<BTreeMap<String, User>>,
    /// By the hash of the cookie's secret.
    sessions: ArcSwap<BTreeMap<String, Session>>,
    everybody: Everybody,
    /// Whoever sits at this machine.
    local: Arc<Principal>,
    tokens: Option<Tokens>,
    tenant: String,
    session_ms: i64,
    /// Clearing and engaging the kill switch, one after the other.
    pub switching: Mutex<()>,
    /// Asking for changes and agreeing to them, one after the other.
    pub changing: Mutex<()>,
}

impl People {
    /// As configured, nobody read yet.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let auth = settings.auth();
        let issuer = auth.oidc.clone().map(Issuer::new).transpose()?;
        let everybody = Everybody::new(settings.limits());
        Ok(Self {
            keys: ArcSwap::default(),
            users: ArcSwap::default(),
            sessions: ArcSwap::default(),
            local: Arc::new(Principal {
                name: "local".into(),
                kind: Kind::Local,
                role: Some(Role::Admin),
                scopes: vec!["events".into(), "route".into()],
                tenant: settings.tenant().to_owned(),
                buckets: Some(everybody.fresh()),
            }),
            everybody,
            tokens: issuer.map(Tokens::new),
            tenant: settings.tenant().to_owned(),
            session_ms: auth.session_ms(),
            switching: Mutex::new(()),
            changing: Mutex::new(()),
        })
    }

    /// Reads them again; what can't be read stays as it was.
    pub async fn read(&self, store: &dyn Store) -> store::Result<()> {
        let before = self.keys.load_full();
        let known = |key: ApiKey| {
            let buckets = before.get(&key.hash).and_then(|known| known.who.buckets.clone());
            let buckets = buckets.unwrap_or_else(|| self.everybody.fresh());
            (key.hash.clone(), Arc::new(Known::new(key, buckets)))
        };
        let keys = store.keys().await?.into_iter().map(known).collect();
        let users = store.users().await?.into_iter().map(|user| (user.subject.clone(), user));
        let users: BTreeMap<_, _> = users.collect();
        let sessions = store.sessions().await?.into_iter().map(|s| (s.hash.clone(), s)).collect();
        self.keys.store(Arc::new(keys));
        self.users.store(Arc::new(users));
        self.sessions.store(Arc::new(sessions));
        self.everybody.forget();
        Ok(())
    }

    /// Whether nobody can say who they are: then this machine alone is answered.
    pub fn is_open(&self) -> bool {
        self.tokens.is_none() && self.keys.load().is_empty()
    }

    /// Whose server this is.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// How long a browser stays logged in, milliseconds.
    pub fn session_ms(&self) -> i64 {
        self.session_ms
    }

    /// The issuer's tokens, if one is configured.
    pub fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Takes one request of somebody unknown out; how long to wait, if there is none.
    pub fn stranger(&self, from: IpAddr) -> Result<(), Duration> {
        self.everybody.stranger(from)
    }

    /// Whoever sits at this machine, while nobody can say who they are.
    pub fn local(&self) -> Arc<Principal> {
        self.local.clone()
    }

    /// Whose key this is.
    pub fn by_key(&self, secret: &str) -> Option<Arc<Principal>> {
        let keys = self.keys.load();
        let known = keys.get(&hash(secret))?;
        (!is_over(&known.key)).then(|| known.who.clone())
    }

    /// Whose token this is; the log says why not.
    pub async fn by_token(&self, token: &str) -> Option<Principal> {
        let claimed = self.claimed(token, Use::Bearer).await?;
        let Claimed { subject, role, scopes, tenant, expires_at } = claimed;
        self.person(Kind::Person { expires_at }, subject, role, scopes, tenant)
    }

    /// What a token says; the log says why not.
    pub async fn claimed(&self, token: &str, used: Use<'_>) -> Option<Claimed> {
        match self.tokens.as_ref()?.check(token, used).await {
            Ok(claimed) => Some(claimed),
            Err(why) => {
                tracing::info!(why, "a token was refused");
                None
            }
        }
    }

    /// Whose session this is.
    pub fn by_cookie(&self, secret: &str) -> Option<Principal> {
        let hashed = hash(secret);
        let session = self.sessions.load().get(&hashed).cloned()?;
        if session.expires_at <= wall() {
            return None;
        }
        let role = session.role.as_deref().and_then(|role| role.parse().ok());
        let kind = Kind::Browser {
            csrf_token: csrf_token(secret),
            session: hashed,
            expires_at: session.expires_at,
        };
        let tenant = Some(session.tenant).filter(|tenant| !tenant.is_empty());
        self.person(kind, session.subject, role, session.scopes, tenant)
    }

    /// Whether nothing of this person's counts.
    pub fn is_disabled(&self, subject: &str) -> bool {
        self.users.load().get(subject).is_some_and(|user| user.disabled)
    }

    /// Whether somebody who was let in would be let in again: for answers that go on and on.
    pub fn is_still(&self, who: &Principal) -> bool {
        match &who.kind {
            Kind::Nobody => false,
            Kind::Local => self.is_open(),
            Kind::Key { hash, .. } => {
                self.keys.load().get(hash).is_some_and(|known| !is_over(&known.key))
            }
            Kind::Person { expires_at } => *expires_at > wall() && !self.is_disabled(&who.name),
            Kind::Browser { session, expires_at, .. } => {
                *expires_at > wall()
                    && !self.is_disabled(&who.name)
                    && self.sessions.load().contains_key(session)
            }
        }
    }

    /// A person, as the list of users wants them; none: they are disabled.
    fn person(
        &self,
        kind: Kind,
        subject: String,
        role: Option<Role>,
        scopes: Vec<String>,
        tenant: Option<String>,
    ) -> Option<Principal> {
        let users = self.users.load();
        let user = users.get(&subject);
        if self.is_disabled(&subject) {
            tracing::info!("somebody who is disabled was refused");
            return None;
        }
        let other = user.and_then(|user| user.role.as_deref()).and_then(|role| role.parse().ok());
        let buckets = Some(self.everybody.of(&subject));
        // What the credential says counts before what is known here.
        let tenant = tenant.or_else(|| user.map(|user| user.tenant.clone()));
        let tenant = tenant.unwrap_or_else(|| self.tenant.clone());
        Some(Principal { name: subject, kind, role: other.or(role), scopes, tenant, buckets })
    }
}

fn is_over(key: &ApiKey) -> bool {
    key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= wall())
}

/// What unsafe requests of a browser have to show beside its cookie. It follows from the cookie's secret, which no script and no other site can read.
fn csrf_token(secret: &str) -> String {
    hash(&format!("pointsman csrf\0{secret}"))
}
