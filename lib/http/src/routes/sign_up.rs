//! `POST /sign-up`: open an account of one's own.
//!
//! The account is kept first, as provisional, and then the command is sent that makes its user, who is only an id.
//! Whether the address is somebody else's already is told to nobody: the same steps are taken, and a user comes to be
//! who has no account.

use crate::body::{self, BoundedBody};
use crate::command_response::{CommandSubmission, submit_after};
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{IngressState, Ports, SharedState, StateExtractor, wall_clock};
use auction_app::ingress::accounts::{Email, Name, Password, Role};
use auction_app::ports::people::accounts::{Accounts, NewAccount, RegisterResult};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{Actor, UserId};
use auction_wire::account::{SignUpRequest, SignUpRole};
use auction_wire::{CommandBody, CommandId};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::OnceLock;

const PATH: &str = "/sign-up";

pub(super) fn endpoint<P: Ports>() -> Endpoint<SharedState<P>> {
    Endpoint::post("sign_up", PATH, sign_up::<P>)
        .summary(tag::USERS, "Open an account")
        .about(
            "Name and address are kept apart from everything else, and erased with the account. Whether an address is \
             somebody else's already is not told. One can sign in when the command is done. An Idempotency-Key must \
             have at least 32 characters, such as a UUID: it must be nobody else's.",
        )
        .by_everybody()
        // A password is hashed.
        .costs(10)
        .body::<SignUpRequest>(true)
        .command_of_nobody(Effect::Creates)
        .problems(&[&refusals::USER_EXISTS])
}

async fn sign_up<P: Ports>(
    State(portal): StateExtractor<P>,
    headers: HeaderMap,
    BoundedBody(body): BoundedBody,
) -> Result<Response, Problem> {
    let request: SignUpRequest = body::read(&headers, &body)?;
    let payload = portal.accept.conceal(&body::canonical(&request));
    let account = validate(request)?;
    let kept = OnceLock::new();
    let asking = CommandSubmission { actor: Actor::Portal, method: "POST", path: PATH, payload: &payload };
    let keep = |id| keep(&portal, account, id, &kept);
    let create = |id: CommandId| (id.0, CommandBody::User(UserCommand::CreateUser(CreateUser)));
    let answer = submit_after(&portal, &headers, asking, keep, create).await;
    if answer.as_ref().is_err_and(|problem| problem.status().is_server_error())
        && let Some(user) = kept.get()
    {
        // Best effort: what is left is swept.
        if let Err(error) = portal.accounts.cancel_registration(*user).await {
            tracing::warn!(%error, "an account is kept whose command was not sent");
        }
    }
    answer
}

/// What there is of an account before it has an id.
struct Wanted {
    email: Email,
    name: Name,
    password: Password,
    role: Role,
}

fn validate(request: SignUpRequest) -> Result<Wanted, Problem> {
    let (email, name) = (Email::new(request.email), Name::new(request.name));
    let password = Password::new(request.password);
    let role = match request.role {
        SignUpRole::Bidder => Role::Bidder,
        SignUpRole::Seller => Role::Seller,
    };
    let wrong = [
        ("email", email.as_ref().err()),
        ("name", name.as_ref().err()),
        ("password", password.as_ref().err()),
    ];
    let wrong =
        wrong.into_iter().filter_map(|(at, error)| Some((at.to_owned(), error?.to_string()))).collect();
    match (email, name, password) {
        (Ok(email), Ok(name), Ok(password)) => Ok(Wanted { email, name, password, role }),
        _ => Err(Problem::invalid(wrong)),
    }
}

async fn keep<P: Ports>(
    portal: &IngressState<P>,
    wanted: Wanted,
    command: CommandId,
    kept: &OnceLock<UserId>,
) -> Result<(), Problem> {
    let Wanted { email, name, password, role } = wanted;
    let password_hash = portal.passwords.hash(password).await?;
    let user = UserId(command.0);
    let account = NewAccount { user, command, email, name, password_hash, role, at: wall_clock() };
    match portal.accounts.register(&account).await? {
        // Once, since this is called once.
        RegisterResult::Created => drop(kept.set(user)),
        // Nothing of it shows: what differs is found out by whoever signs in.
        RegisterResult::EmailTaken | RegisterResult::UserHasAccount => {}
    }
    Ok(())
}
