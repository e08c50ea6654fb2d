//! Several sessions of one model, each for inputs of other shapes. Knows no device and no model.
//!
//! On a graphics card ONNX Runtime plans every convolution for the shapes of a run, and plans anew when the next run brings others. The encoder
//! takes as many faces as a frame has, and so would plan almost every time: 160 ms a frame, on an H100, where its arithmetic takes two. So shapes that come
//! again find the session that was planned for them. On the processor nothing is planned, and one session serves all.

use std::sync::Arc;

use ort::session::Session;

use crate::inference::InferenceError;
use crate::memory::Account;

/// The shapes of a run's inputs, in their order.
pub(super) type Shapes = Vec<Vec<usize>>;

/// Makes another session of the same model, on an account.
pub(super) type Make = Box<dyn Fn(&Account) -> Result<Session, InferenceError> + Send>;

pub(super) struct ByShape {
    make: Make,
    /// What they may have together.
    account: Arc<Account>,
    /// How many there may be.
    most: usize,
    /// The one that was asked for last stands last. Empty only where they could not be made anew.
    made: Vec<(Shapes, Session)>,
    /// A run was refused memory: what it had got until then, and what ONNX Runtime asked for beyond that, it keeps, and a later run may find too little left.
    overfull: bool,
}

impl ByShape {
    /// At most so many sessions. The first is made now.
    pub(super) fn new(
        make: Make,
        most: usize,
        account: Account,
    ) -> Result<ByShape, InferenceError> {
        let first = make(&account)?;
        Ok(ByShape {
            make,
            account: Arc::new(account),
            most,
            // These shapes are no model's; the first run takes this session over.
            made: vec![(Shapes::new(), first)],
            overfull: false,
        })
    }

    /// A run was refused memory: the next one gets sessions that know nothing of it.
    pub(super) fn is_overfull(&mut self) {
        self.overfull = true;
    }

    /// To be called before a run, and before its account is asked for.
    ///
    /// # Errors
    /// Where they have to be made anew and cannot be; the next run tries it again.
    pub(super) fn ready(&mut self) -> Result<(), InferenceError> {
        if !self.overfull {
            return Ok(());
        }
        // First, so that there are never two of them.
        self.made.clear();
        self.account = Arc::new(self.account.anew());
        let first = (self.make)(&self.account)?;
        self.made.push((Shapes::new(), first));
        self.overfull = false;
        Ok(())
    }

    /// What they may have together.
    pub(super) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// One of them, for what they have in common. Before the first run.
    pub(super) fn any(&self) -> &Session {
        &self.made[0].1
    }

    /// The session for these shapes: the one that had them before, else a new one, else the one that was not asked for longest.
    pub(super) fn of(&mut self, shapes: Shapes) -> &mut Session {
        match place(self.made.iter().map(|(of, _)| of), &shapes, self.most) {
            Place::At(index) => {
                let (_, session) = self.made.remove(index);
                self.made.push((shapes, session));
            }
            Place::New => match (self.make)(&self.account) {
                Ok(session) => self.made.push((shapes, session)),
                // The model was loaded before, so it is memory that is short. Fewer sessions answer the same, only later.
                Err(error) => {
                    tracing::warn!(%error, sessions = self.made.len(), "no further session of a model; its runs will take longer");
                    self.most = self.made.len();
                    let (_, session) = self.made.remove(0);
                    self.made.push((shapes, session));
                }
            },
        }
        let last = self.made.len() - 1;
        &mut self.made[last].1
    }
}

#[derive(Debug, PartialEq)]
enum Place {
    At(usize),
    New,
}

/// Where among those made, oldest first, the session for some shapes is.
fn place<'s>(
    made: impl ExactSizeIterator<Item = &'s Shapes>,
    wanted: &Shapes,
    most: usize,
) -> Place {
    let count = made.len();
    for (index, of) in made.enumerate() {
        if of == wanted || of.is_empty() {
            return Place::At(index);
        }
    }
    if count < most {
        Place::New
    } else {
        Place::At(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_came_before_find_their_session_and_the_oldest_makes_way() {
        let faces = |count: usize| vec![vec![count, 3, 112, 112]];
        let place = |made: &[Shapes], wanted: usize, most| place(made.iter(), &faces(wanted), most);
        assert_eq!(
            place(&[Shapes::new()], 5, 3),
            Place::At(0),
            "the first one is nobody's"
        );
        assert_eq!(place(&[faces(5)], 6, 3), Place::New);
        assert_eq!(place(&[faces(5), faces(6)], 6, 3), Place::At(1));
        assert_eq!(place(&[faces(5), faces(6), faces(7)], 8, 3), Place::At(0));
        assert_eq!(place(&[faces(5)], 6, 1), Place::At(0), "one serves all");
    }
}
