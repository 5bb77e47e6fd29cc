//! Accounts, sessions and service keys in Postgres.

use auction_app::ingress::accounts::{
    Email, Name, PrincipalKind, Role, TokenHash, TokenIdentity, TokenKind, fresh,
};
use auction_app::ports::people::accounts::{
    AccountRetention, Accounts, NewAccount, PersonalDataErasure, RegisterResult, Session, SweepReport,
};
use auction_app::ports::people::tokens::TokenStore;
use auction_domain::{Timestamp, UserId};
use auction_postgres::PostgresStoreConnector;
use auction_postgres::queries::PostgresQueries;
use auction_testkit::local_servers::{connect, database};
use auction_wire::CommandId;
use tokio_postgres::Client;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_000_000);

struct House {
    accounts: PostgresQueries,
    database: Client,
}

impl House {
    async fn new() -> House {
        let url = database().await;
        let accounts = PostgresQueries::new(&PostgresStoreConnector::new(&url).unwrap(), 2).unwrap();
        House { accounts, database: connect(&url).await }
    }

    /// Somebody wants an account; his user comes to be if `is_user`.
    async fn sign_up(&self, email: &str, is_user: bool) -> (NewAccount, RegisterResult) {
        let account = account(email);
        let registered = self.accounts.register(&account).await.unwrap();
        if is_user {
            self.user(account.user).await;
        }
        (account, registered)
    }

    async fn user(&self, user: UserId) {
        let insert = "INSERT INTO users (id, created_at) VALUES ($1, 1)";
        self.database.execute(insert, &[&user.0]).await.unwrap();
    }

    async fn delete(&self, user: UserId) {
        self.database.execute("UPDATE users SET deleted_at = 2 WHERE id = $1", &[&user.0]).await.unwrap();
    }

    async fn decided(&self, command: CommandId) {
        let insert = "INSERT INTO commands (command_id, kind, key, fingerprint, partition, position, at, outcome) \
                      VALUES ($1, 'create_user', $1, 0, 0, 0, 0, '')";
        self.database.execute(insert, &[&command.0]).await.unwrap();
    }

    async fn session(&self, user: UserId, expires_at: Timestamp) -> TokenHash {
        let (_, token) = fresh(TokenKind::Session).unwrap();
        let session = Session { token, user, created_at: NOW, expires_at };
        assert!(self.accounts.open_session(&session).await.unwrap());
        token
    }

    async fn holder(&self, token: TokenHash, now: Timestamp) -> Option<TokenIdentity> {
        let found = self.accounts.find(&[token, TokenHash([0; 32])], now).await.unwrap();
        assert!(found.iter().all(|(found, _)| *found == token) && found.len() < 2);
        found.first().map(|(_, holder)| *holder)
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
async fn an_address_belongs_to_one_whatever_its_case() {
    let house = House::new().await;
    let (ada, kept) = house.sign_up("Ada@Example.org", false).await;
    assert_eq!(kept, RegisterResult::Created);
    assert_eq!(house.accounts.register(&ada).await.unwrap(), RegisterResult::Created, "the same again");
    let (other, taken) = house.sign_up("ada@example.ORG", true).await;
    assert_eq!(taken, RegisterResult::EmailTaken);
    assert_eq!(
        house.count("SELECT claims::bigint FROM accounts").await,
        1,
        "it was noted, which is a write as well"
    );
    assert!(house.accounts.profile(other.user).await.unwrap().is_none());
    let moved = NewAccount { email: Email::new("bob@example.org".to_owned()).unwrap(), ..ada };
    assert_eq!(house.accounts.register(&moved).await.unwrap(), RegisterResult::UserHasAccount);
}

#[tokio::test]
async fn nobody_is_recognised_before_his_user_exists_nor_after_he_was_deleted() {
    let house = House::new().await;
    let (ada, _) = house.sign_up("ada@example.org", false).await;
    let known = async || house.accounts.credentials("ADA@example.org").await.unwrap();
    assert!(known().await.is_none());
    house.user(ada.user).await;
    let credentials = known().await.unwrap();
    assert_eq!((credentials.user, credentials.role), (ada.user, Role::Seller));
    let profile = house.accounts.profile(ada.user).await.unwrap().unwrap();
    assert_eq!((profile.email.as_str(), profile.name.as_str()), ("ada@example.org", "Ada"));
    house.delete(ada.user).await;
    assert!(known().await.is_none());
}

#[tokio::test]
async fn a_token_is_good_until_it_expires_is_given_back_or_its_user_is_gone() {
    let house = House::new().await;
    let (ada, _) = house.sign_up("ada@example.org", true).await;
    let until = Timestamp(NOW.0 + 10);
    let holder = TokenIdentity { who: PrincipalKind::User(ada.user), role: Role::Seller, expires_at: until };
    let [one, two, three] = [
        house.session(ada.user, until).await,
        house.session(ada.user, until).await,
        house.session(ada.user, until).await,
    ];
    assert_eq!(house.holder(one, NOW).await, Some(holder));
    assert_eq!(house.holder(one, until).await, None, "expired");
    house.accounts.close_session(one).await.unwrap();
    assert_eq!(house.holder(one, NOW).await, None, "given back");
    assert_eq!(house.holder(two, NOW).await, Some(holder));
    house.delete(ada.user).await;
    assert_eq!(house.holder(two, NOW).await, None, "deleted");
    house.accounts.close_sessions(ada.user).await.unwrap();
    assert_eq!(house.count("SELECT count(*) FROM sessions").await, 0, "{three:?} as well");
}

#[tokio::test]
async fn what_is_erased_is_gone_with_its_sessions_and_can_be_erased_again() {
    let house = House::new().await;
    let ((ada, _), (bob, _)) = (house.sign_up("ada@a", true).await, house.sign_up("bob@b", true).await);
    house.session(ada.user, NOW).await;
    assert_eq!(house.accounts.erase(&[ada.user, UserId(Uuid::nil())]).await.unwrap(), [ada.user]);
    assert_eq!(house.accounts.erase(&[ada.user]).await.unwrap(), []);
    assert_eq!(house.count("SELECT count(*) FROM sessions").await, 0);
    assert!(house.accounts.profile(bob.user).await.unwrap().is_some());
    let (_, token) = fresh(TokenKind::Session).unwrap();
    let late = Session { token, user: ada.user, created_at: NOW, expires_at: NOW };
    assert!(!house.accounts.open_session(&late).await.unwrap(), "who comes late has no account");
}

#[tokio::test]
async fn an_account_whose_user_never_comes_to_be_is_swept_and_no_other() {
    let house = House::new().await;
    let (there, _) = house.sign_up("there@a", true).await;
    let (waits, _) = house.sign_up("waits@a", false).await;
    let (refused, _) = house.sign_up("refused@a", false).await;
    house.decided(refused.command).await;
    let (deleted, _) = house.sign_up("deleted@a", true).await;
    house.delete(deleted.user).await;
    house.session(there.user, NOW).await;
    let later = house.session(there.user, Timestamp(NOW.0 + 1)).await;
    assert_eq!(house.sweep(NOW.0).await, SweepReport { activated: 1, removed: 2, sessions: 1 });
    assert_eq!(house.sweep(NOW.0).await, SweepReport::default());
    assert!(house.holder(later, NOW).await.is_some());
    for gone in [&refused, &deleted] {
        assert!(house.accounts.profile(gone.user).await.unwrap().is_none());
    }
    assert!(house.accounts.profile(waits.user).await.unwrap().is_some(), "it may still be decided");
    assert_eq!(house.sweep(NOW.0 + 1).await, SweepReport { activated: 0, removed: 1, sessions: 0 });
    assert!(house.accounts.profile(waits.user).await.unwrap().is_none(), "nothing will be decided");
    assert_eq!(house.count("SELECT count(*) FROM accounts WHERE state = 'active'").await, 1);
}

#[tokio::test]
async fn an_account_is_withdrawn_only_while_its_user_is_not_there() {
    let house = House::new().await;
    let ((ada, _), (bob, _)) = (house.sign_up("ada@a", true).await, house.sign_up("bob@b", false).await);
    for account in [&ada, &bob] {
        house.accounts.cancel_registration(account.user).await.unwrap();
    }
    assert!(house.accounts.profile(ada.user).await.unwrap().is_some());
    assert!(house.accounts.profile(bob.user).await.unwrap().is_none());
}
