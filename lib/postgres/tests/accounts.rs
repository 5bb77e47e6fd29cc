//! Accounts, sessions and their tokens.

use auction_app::ports::people::accounts::{
    AccountRetention, Accounts, NewAccount, PersonalDataErasure, RegisterResult, Session, SweepReport,
};
use auction_app::ports::people::tokens::TokenStore;
use auction_app::ports::people::{
    Email, Name, PrincipalKind, Role, TokenHash, TokenIdentity, TokenKind, new_token,
};
use auction_domain::{Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::local_servers::{connect, database};
use auction_wire::CommandId;
use tokio_postgres::Client;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_000_000);

struct Fixture {
    accounts: PostgresQueries,
    database: Client,
}

impl Fixture {
    async fn new() -> Fixture {
        let url = database().await;
        let accounts = PostgresQueries::new(&PostgresStoreConnector::new(&url).unwrap(), 2).unwrap();
        Fixture { accounts, database: connect(&url).await }
    }

    /// Registers an account, and creates its user if `user_exists`.
    async fn sign_up(&self, email: &str, user_exists: bool) -> (NewAccount, RegisterResult) {
        let account = account(email);
        let registered = self.accounts.register(&account).await.unwrap();
        if user_exists {
            self.user(account.user).await;
        }
        (account, registered)
    }

    async fn user(&self, user: UserId) {
        let insert = "INSERT INTO users (partition, id, created_at) VALUES (partition_of($1), $1, 1)";
        self.database.execute(insert, &[&user.0]).await.unwrap();
    }

    async fn delete(&self, user: UserId) {
        self.database.execute("UPDATE users SET deleted_at = 2 WHERE id = $1", &[&user.0]).await.unwrap();
    }

    async fn store_outcome(&self, account: &NewAccount) {
        let insert = "INSERT INTO command_outcomes (command_id, kind, key, fingerprint, partition, position, at, outcome) \
                      VALUES ($1, 'create_user', $2, 0, partition_of($2), 0, 0, '')";
        self.database.execute(insert, &[&account.command.0, &account.user.0]).await.unwrap();
    }

    async fn session(&self, user: UserId, expires_at: Timestamp) -> TokenHash {
        let (_, token) = new_token(TokenKind::Session).unwrap();
        let session = Session { token, user, created_at: NOW, expires_at };
        assert!(self.accounts.open_session(&session).await.unwrap());
        assert!(self.accounts.open_session(&session).await.unwrap(), "repeated after a lost answer");
        token
    }

    async fn identity(&self, token: TokenHash, now: Timestamp) -> Option<TokenIdentity> {
        let found = self.accounts.find(&[token, TokenHash([0; 32])], now).await.unwrap();
        assert!(found.iter().all(|(found, _)| *found == token) && found.len() < 2);
        found.first().map(|(_, identity)| *identity)
    }

    async fn count(&self, query: &str) -> i64 {
        self.database.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn sweep(&self, undecided_since: i64) -> SweepReport {
        self.accounts.sweep(NOW, Timestamp(undecided_since)).await.unwrap()
    }
}

fn account(email: &str) -> NewAccount {
    let id = Uuid::now_v7();
    NewAccount {
        user: UserId(id),
        command: CommandId(id),
        email: Email::new(email.to_owned()).unwrap(),
        name: Name::new("Ada".to_owned()).unwrap(),
        password_hash: "$argon2id$".to_owned(),
        role: Role::Seller,
        at: NOW,
    }
}

#[tokio::test]
async fn email_address_is_unique_ignoring_case() {
    let fixture = Fixture::new().await;
    let (ada, created) = fixture.sign_up("Ada@Example.org", false).await;
    assert_eq!(created, RegisterResult::Created);
    assert_eq!(
        fixture.accounts.register(&ada).await.unwrap(),
        RegisterResult::Created,
        "registering again changes nothing"
    );
    let (other, taken) = fixture.sign_up("ada@example.ORG", true).await;
    assert_eq!(taken, RegisterResult::EmailTaken);
    assert_eq!(
        fixture.count("SELECT duplicate_sign_ups::bigint FROM accounts").await,
        1,
        "a taken address causes a write as well"
    );
    assert!(fixture.accounts.profile(other.user).await.unwrap().is_none());
    let moved = NewAccount { email: Email::new("bob@example.org".to_owned()).unwrap(), ..ada };
    assert_eq!(fixture.accounts.register(&moved).await.unwrap(), RegisterResult::UserHasAccount);
}

#[tokio::test]
async fn credentials_exist_only_while_the_user_exists() {
    let fixture = Fixture::new().await;
    let (ada, _) = fixture.sign_up("ada@example.org", false).await;
    let credentials = async || fixture.accounts.credentials("ADA@example.org").await.unwrap();
    assert!(credentials().await.is_none());
    fixture.user(ada.user).await;
    let found = credentials().await.unwrap();
    assert_eq!((found.user, found.role), (ada.user, Role::Seller));
    let profile = fixture.accounts.profile(ada.user).await.unwrap().unwrap();
    assert_eq!((profile.email.as_str(), profile.name.as_str()), ("ada@example.org", "Ada"));
    fixture.delete(ada.user).await;
    assert!(credentials().await.is_none());
}

#[tokio::test]
async fn session_token_is_valid_until_expiry_sign_out_or_deletion() {
    let fixture = Fixture::new().await;
    let (ada, _) = fixture.sign_up("ada@example.org", true).await;
    let until = Timestamp(NOW.0 + 10);
    let identity =
        TokenIdentity { principal: PrincipalKind::User(ada.user), role: Role::Seller, expires_at: until };
    let [one, two, three] = [
        fixture.session(ada.user, until).await,
        fixture.session(ada.user, until).await,
        fixture.session(ada.user, until).await,
    ];
    assert_eq!(fixture.identity(one, NOW).await, Some(identity));
    assert_eq!(fixture.identity(one, until).await, None, "expired");
    fixture.accounts.close_session(one).await.unwrap();
    assert_eq!(fixture.identity(one, NOW).await, None, "signed out");
    assert_eq!(fixture.identity(two, NOW).await, Some(identity));
    fixture.delete(ada.user).await;
    assert_eq!(fixture.identity(two, NOW).await, None, "deleted");
    fixture.accounts.close_sessions(ada.user).await.unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM sessions").await, 0, "{three:?} as well");
}

#[tokio::test]
async fn erasure_removes_sessions_and_is_idempotent() {
    let fixture = Fixture::new().await;
    let ((ada, _), (bob, _)) = (fixture.sign_up("ada@a", true).await, fixture.sign_up("bob@b", true).await);
    fixture.session(ada.user, NOW).await;
    assert_eq!(fixture.accounts.erase(&[ada.user, UserId(Uuid::nil())]).await.unwrap(), [ada.user]);
    assert_eq!(fixture.accounts.erase(&[ada.user]).await.unwrap(), []);
    assert_eq!(fixture.count("SELECT count(*) FROM sessions").await, 0);
    assert!(fixture.accounts.profile(bob.user).await.unwrap().is_some());
    let (_, token) = new_token(TokenKind::Session).unwrap();
    let late = Session { token, user: ada.user, created_at: NOW, expires_at: NOW };
    assert!(!fixture.accounts.open_session(&late).await.unwrap(), "a session needs an account");
}

#[tokio::test]
async fn sweep_removes_only_accounts_without_a_user() {
    let fixture = Fixture::new().await;
    let (existing, _) = fixture.sign_up("existing@a", true).await;
    let (undecided, _) = fixture.sign_up("undecided@a", false).await;
    let (refused, _) = fixture.sign_up("refused@a", false).await;
    fixture.store_outcome(&refused).await;
    let (deleted, _) = fixture.sign_up("deleted@a", true).await;
    fixture.delete(deleted.user).await;
    fixture.session(existing.user, NOW).await;
    let later = fixture.session(existing.user, Timestamp(NOW.0 + 1)).await;
    assert_eq!(fixture.sweep(NOW.0).await, SweepReport { activated: 1, removed: 2, sessions: 1 });
    assert_eq!(fixture.sweep(NOW.0).await, SweepReport::default());
    assert!(fixture.identity(later, NOW).await.is_some());
    for removed in [&refused, &deleted] {
        assert!(fixture.accounts.profile(removed.user).await.unwrap().is_none());
    }
    assert!(
        fixture.accounts.profile(undecided.user).await.unwrap().is_some(),
        "the command may still be decided"
    );
    assert_eq!(fixture.sweep(NOW.0 + 1).await, SweepReport { activated: 0, removed: 1, sessions: 0 });
    assert!(fixture.accounts.profile(undecided.user).await.unwrap().is_none(), "the command was never sent");
    assert_eq!(fixture.count("SELECT count(*) FROM accounts WHERE state = 'active'").await, 1);
}

#[tokio::test]
async fn registration_is_cancelled_only_before_the_user_exists() {
    let fixture = Fixture::new().await;
    let ((ada, _), (bob, _)) = (fixture.sign_up("ada@a", true).await, fixture.sign_up("bob@b", false).await);
    for account in [&ada, &bob] {
        fixture.accounts.cancel_registration(account.user).await.unwrap();
    }
    assert!(fixture.accounts.profile(ada.user).await.unwrap().is_some());
    assert!(fixture.accounts.profile(bob.user).await.unwrap().is_none());
}
