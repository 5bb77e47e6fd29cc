//! `POST /sign-up`: creates an account and its user.
//!
//! The account is registered first, as pending. Then the command that creates its user is sent; the user
//! consists of nothing but an id. The response does not reveal whether the e-mail address is already
//! registered: in that case the same steps are done, and the new user has no account.

use crate::access::Access;
use crate::body::{self, BoundedBody};
use crate::command_response::CommandSubmission;
use crate::openapi::commands::Effect;
use crate::openapi::{Endpoint, tag};
use crate::problem::Problem;
use crate::problem::types::refusals;
use crate::state::{IngressState, wall_clock};
use auction_app::ports::people::accounts::{NewAccount, RegisterResult};
use auction_app::ports::people::{Email, Name, Password, Role};
use auction_domain::user::{CreateUser, UserCommand};
use auction_domain::{Actor, UserId};
use auction_wire::account::{SignUpRequest, SignUpRole};
use auction_wire::{CommandBody, CommandId};
use axum::response::Response;
use std::sync::OnceLock;

const PATH: &str = "/sign-up";

pub(super) fn endpoint() -> Endpoint {
    Endpoint::post("sign_up", PATH, sign_up)
        .summary(tag::USERS, "Sign up")
        .description(
            "Creates an account. Name and e-mail address are stored separately from all other data and \
             erased with the account. The response does not reveal whether the address is already \
             registered. Sign in after the command is accepted. An Idempotency-Key must have at least 32 \
             characters, such as a UUID: it must be unique among all callers.",
        )
        .access(Access::Public)
        // Hashing the password is expensive.
        .rate_cost(10)
        .body::<SignUpRequest>(true)
        .anonymous_command(Effect::Creates)
        .problems(&refusals::of(CreateUser::REFUSALS))
}

async fn sign_up(submission: CommandSubmission, body: BoundedBody) -> Result<Response, Problem> {
    let portal = &submission.portal;
    let request: SignUpRequest = body.read()?;
    let payload = portal.commands.keyed_hash(&body::canonical(&request));
    let account = validate(request)?;
    let registered = OnceLock::new();
    let register = |id| register(portal, account, id, &registered);
    let create = |id: CommandId| (id.0, CommandBody::User(UserCommand::CreateUser(CreateUser)));
    let result = submission.submit_after(Actor::Portal, PATH, &payload, register, create).await;
    if result.as_ref().is_err_and(|problem| problem.status().is_server_error())
        && let Some(user) = registered.get()
    {
        // Best effort: retention removes pending accounts that stay.
        if let Err(error) = portal.accounts.cancel_registration(*user).await {
            tracing::warn!(%error, "cancelling registration failed after the command was not sent");
        }
    }
    result
}

struct Registration {
    email: Email,
    name: Name,
    password: Password,
    role: Role,
}

fn validate(request: SignUpRequest) -> Result<Registration, Problem> {
    let (email, name) = (Email::new(request.email), Name::new(request.name));
    let password = Password::new(request.password);
    let role = match request.role {
        SignUpRole::Bidder => Role::Bidder,
        SignUpRole::Seller => Role::Seller,
    };
    let errors = [
        ("email", email.as_ref().err()),
        ("name", name.as_ref().err()),
        ("password", password.as_ref().err()),
    ];
    let errors =
        errors.into_iter().filter_map(|(at, error)| Some((at.to_owned(), error?.to_string()))).collect();
    match (email, name, password) {
        (Ok(email), Ok(name), Ok(password)) => Ok(Registration { email, name, password, role }),
        _ => Err(Problem::invalid(errors)),
    }
}

async fn register(
    portal: &IngressState,
    registration: Registration,
    command: CommandId,
    registered: &OnceLock<UserId>,
) -> Result<(), Problem> {
    let Registration { email, name, password, role } = registration;
    let password_hash = portal.passwords.hash(password).await?;
    let user = UserId(command.0);
    let account = NewAccount { user, command, email, name, password_hash, role, at: wall_clock() };
    match portal.accounts.register(&account).await? {
        // Cannot fail: the function is called once per request.
        RegisterResult::Created => drop(registered.set(user)),
        // Handled like success, so that the response does not reveal registered addresses.
        RegisterResult::EmailTaken | RegisterResult::UserHasAccount => {}
    }
    Ok(())
}
