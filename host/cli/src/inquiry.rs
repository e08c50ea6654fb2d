//! Questions of the records that are answered in the same way whether or not a run goes on: by the run, through its socket, or here, by opening the records.

use overt_deployment::Deployment;
use overt_pipeline::inquiry::{self, Ask, InquiryError, Told};
use overt_pipeline::publication;
use overt_pipeline::replay::Replayer;
use overt_publication::record::DeploymentRecord;
use overt_records::{
    AuditLog, EntrySummary, Force, GoneByRetention, LogRows, Piece, RecordsError, SignedIn,
};

use crate::control::{self, client, something_else};
use crate::failure::Failure;
use crate::{machine, session, watchlist};

impl From<InquiryError> for Failure {
    fn from(error: InquiryError) -> Self {
        let mend = match error {
            InquiryError::Records(error) => return error.into(),
            InquiryError::Force(error) => return (*error).into(),
            InquiryError::Pipeline(error) => return (*error).into(),
            InquiryError::MayNot(ref cause) => cause.mend(),
            InquiryError::Nobody => "sign in: `overt sign-in ID`".to_owned(),
            InquiryError::Busy => "wait until it is answered, and ask again".to_owned(),
            InquiryError::Ending => "ask again once it has ended".to_owned(),
            InquiryError::OtherDeployment { .. } => {
                "put the file of the deployment that runs back".to_owned()
            }
            InquiryError::NoRows => "ask with the version that runs".to_owned(),
        };
        Failure::new(error.to_string(), mend)
    }
}

/// What hears the steps of an answer.
pub(crate) type Steps<'a> = &'a mut dyn FnMut(Told) -> Result<(), Failure>;

/// Asks what anybody of the machine's user may; `None` where no run goes on.
pub(crate) fn of_run(
    deployment: &Deployment,
    ask: Ask,
    steps: Steps<'_>,
) -> Result<Option<Told>, Failure> {
    told(client::ask_anybody_with_steps(
        deployment,
        control::Ask::Inquiry(ask),
        &mut heard(steps),
    )?)
}

/// The watchlist's entries, and what has gone from it: anybody of the machine's user may see them.
pub(crate) fn watchlist(
    deployment: &Deployment,
) -> Result<(Vec<EntrySummary>, GoneByRetention), Failure> {
    let mut entries = Vec::new();
    let mut take = |told| {
        if let Told::Entries(some) = told {
            entries.extend(some);
        }
        Ok(())
    };
    match of_run(deployment, Ask::Watchlist, &mut take)? {
        Some(Told::Watchlist(gone)) => Ok((entries, gone)),
        Some(_) => Err(something_else()),
        None => {
            let store = watchlist::open(deployment)?;
            Ok((store.watchlist().list()?, store.gone_by_retention()?))
        }
    }
}

/// Asks what takes somebody who is signed in.
pub(crate) fn ask_as(deployment: &Deployment, ask: Ask) -> Result<Told, Failure> {
    let force = Force::at(&deployment.host.force);
    let token = session::token_for(&force)?;
    let question = control::Ask::Inquiry(ask.clone());
    let asked = client::ask_if_it_runs(deployment, question, &token, &|_| {})?;
    match told(asked)? {
        Some(told) => Ok(told),
        None => here(deployment, &ask, Some(&session::signed_in(&force)?)),
    }
}

/// The records that are published of a deployment, as its own store has them; none where it has no store.
pub(crate) fn record(deployment: &Deployment) -> Result<Vec<DeploymentRecord>, Failure> {
    if !client::is_running(deployment) {
        return Ok(publication::of_file(deployment, watchlist::now())?);
    }
    match ask_as(deployment, Ask::Record)? {
        Told::Record(records) => Ok(records),
        _ => Err(something_else()),
    }
}

/// The log of a deployment, which is verified here and not by whoever writes it. What is wrong with its files is the inner error.
pub(crate) fn log(deployment: &Deployment) -> Result<Result<AuditLog, RecordsError>, Failure> {
    let records = &deployment.host.records;
    if client::is_running(deployment) {
        let mut rows = match LogRows::beside(records) {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        let mut take = |piece| Ok(rows.take(piece)?);
        if of_run(deployment, Ask::Log, &mut pieces(&mut take))?.is_some() {
            return Ok(rows.log(&deployment.id));
        }
    }
    Ok(AuditLog::read(records, &deployment.id))
}

/// Hears rows.
pub(crate) fn pieces<'a>(
    take: &'a mut dyn FnMut(Piece) -> Result<(), Failure>,
) -> impl FnMut(Told) -> Result<(), Failure> + 'a {
    |told| match told {
        Told::Rows(bytes) => take(bytes.piece()?),
        _ => Ok(()),
    }
}

/// Opens the records.
fn here(deployment: &Deployment, ask: &Ask, by: Option<&SignedIn>) -> Result<Told, Failure> {
    let store = watchlist::open(deployment)?;
    let now = watchlist::now();
    let options = machine::options()?;
    let replayer = || Replayer::new(deployment, options.clone(), &[]);
    let told = inquiry::answer(deployment, &store, ask, by, now, &replayer, &|_| true)?;
    Ok(told)
}

fn told(asked: Option<control::Told>) -> Result<Option<Told>, Failure> {
    match asked {
        None => Ok(None),
        Some(control::Told::Inquiry(told)) => Ok(Some(told)),
        Some(_) => Err(something_else()),
    }
}

fn heard<'a>(steps: Steps<'a>) -> impl FnMut(control::Told) -> Result<(), Failure> + 'a {
    |told| match told {
        control::Told::Inquiry(told) => steps(told),
        _ => Ok(()),
    }
}
