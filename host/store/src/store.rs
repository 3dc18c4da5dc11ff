//! A store: the database, the blobs and the boot of one home, and how they are opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use trueline_files::{Audience, fault};

use crate::blobs::Blobs;
use crate::boot::{Boot, OpenLock};
use crate::files::{create_private_dir, open_private_file};
use crate::migrations::{LATEST, applied_version, check_version, migrate};
use crate::readers::Readers;
use crate::writer::Writer;
use crate::{BootId, Clock, Error, Result, RunId, key_lock, runs};

/// The tenant that everything belongs to as long as there are no others.
pub(crate) const TENANT: &str = "default";

/// The database of a home.
pub(crate) const DATABASE: &str = "trueline.db";

/// How long a write waits for other processes. Their transactions take milliseconds; a disk may take
/// seconds at worst.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Fewer bytes are no database: the smallest page that SQLite has.
const SMALLEST_DATABASE: u64 = 512;

/// The run store of one home. Cheap to clone; when the last clone is dropped, the home is closed.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Fields are dropped in this order: the writer after the readers, since the last connection to close tidies
/// up the write-ahead log; the lock of the boot last, after everything was written.
struct Inner {
    readers: Readers,
    writer: Writer,
    blobs: Blobs,
    clock: Arc<dyn Clock>,
    home: PathBuf,
    boot: Boot,
}

impl Store {
    /// Opens the store in the directory `home`, which is made if it is missing; brings its database to this
    /// version; and marks as lost what dead processes left unfinished.
    ///
    /// # Errors
    /// [`Error::ReadOnly`](crate::Error::ReadOnly) or [`Error::Full`](crate::Error::Full) if the home cannot be
    /// written to, [`Error::Schema`](crate::Error::Schema) if a newer version wrote it.
    pub fn open(home: &Path, clock: impl Clock + 'static) -> Result<Self> {
        create_private_dir(home)?;
        let opening = OpenLock::take(home)?;
        let boot = Boot::start(home, &clock, &opening)?;
        let blobs = Blobs::open(home, boot.id.clone())?;

        let path = home.join(DATABASE);
        let connection = open_database(&path, &blobs).map_err(|error| error.in_database(&path))?;
        let inner = Inner {
            writer: Writer::start(connection, path.clone())?,
            readers: Readers::new(path),
            blobs,
            clock: Arc::new(clock),
            home: home.to_owned(),
            boot,
        };
        let store = Self {
            inner: Arc::new(inner),
        };
        store.recover(&opening)?;
        Ok(store)
    }

    /// The directory that holds the store.
    pub fn home(&self) -> &Path {
        &self.inner.home
    }

    /// The large artifacts and the pinned files.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// The id of this opening of the home.
    pub fn boot(&self) -> &BootId {
        &self.inner.boot.id
    }

    /// What time it is by the clock of this store, in microseconds since 1970 UTC.
    pub fn time_us(&self) -> i64 {
        self.inner.clock.now_us()
    }

    pub(crate) fn now_us(&self) -> i64 {
        self.time_us()
    }

    pub(crate) fn new_run_id(&self) -> Result<RunId> {
        RunId::new(&*self.inner.clock)
    }

    /// Does `action` in a transaction, and returns when it is on the disk.
    pub(crate) fn write<T, F>(&self, action: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.inner.writer.write(action)
    }

    /// Does `action` in a transaction, which comes to the disk soon, and before that of any write that follows;
    /// other connections see it then.
    pub(crate) fn write_soon<T, F>(&self, action: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.inner.writer.write_soon(action)
    }

    /// Answers a question from one moment of the database.
    pub(crate) fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.inner.readers.read(question)
    }

    /// Another process that has the home open, if there is one.
    pub(crate) fn other_boot(&self, opening: &OpenLock) -> Result<Option<BootId>> {
        self.inner.boot.other(opening)
    }

    /// Marks as lost every unfinished run whose process has ended, and removes what that process left.
    fn recover(&self, opening: &OpenLock) -> Result<()> {
        let unfinished = self.read(runs::unfinished)?;
        let lost: Vec<_> = unfinished
            .into_iter()
            .filter(|(_, boot)| self.inner.boot.is_gone(boot))
            .map(|(run, _)| run)
            .collect();
        if !lost.is_empty() {
            let now = self.now_us();
            self.write(move |connection| {
                lost.iter()
                    .try_for_each(|run| runs::lose(connection, run, now))
            })?;
        }
        self.inner
            .blobs
            .sweep(|boot| self.inner.boot.is_gone(boot))?;
        if self.inner.boot.sweep(opening)? {
            key_lock::sweep(self.home())?;
            self.inner.blobs.sync_names()?;
        }
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("home", &self.inner.home)
            .field("boot", &self.inner.boot.id)
            .finish()
    }
}

/// Opens the database for writing, at the newest version.
fn open_database(path: &Path, blobs: &Blobs) -> Result<Connection> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if (1..SMALLEST_DATABASE).contains(&size) {
        // SQLite would take some of these for empty, and write into them.
        return Err(Error::Damaged {
            path: path.to_owned(),
            problem: format!("it is cut off after {size} bytes"),
        });
    }
    let is_new = size == 0;
    let left = if is_new { blobs.list()?.len() } else { 0 };
    if left > 0 {
        // A new database would know nothing of these, and the next `gc` would remove them.
        return Err(Error::Damaged {
            path: path.to_owned(),
            problem: format!("nothing is in it, and beside it are {left} blobs of earlier runs"),
        });
    }
    // Made here, since SQLite would let others read it; the files it puts beside it inherit the mode.
    drop(open_private_file(path)?);
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Before anything is written into it.
    check_version(&connection, path)?;
    keep_before_upgrade(&connection, path)?;
    // FULL: a commit that returned survives a loss of power, not only the death of the process.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    fault::around("migrate", || Ok(migrate(&mut connection, path)))
        .map_err(Error::writing(path))??;
    Ok(connection)
}

/// A database of an earlier version is copied before it is brought to this one, so that the earlier program
/// can still be used.
fn keep_before_upgrade(connection: &Connection, path: &Path) -> Result<()> {
    let version = applied_version(connection)?;
    if version == 0 || version >= LATEST {
        return Ok(());
    }
    let copy = path.with_file_name(format!("trueline.v{version}.db"));
    match copy.exists() {
        true => Ok(()),
        false => copy_database(connection, &copy),
    }
}

/// Copies a database, as it is at one moment, into a new file, which appears when all of it is on the disk.
pub(crate) fn copy_database(connection: &Connection, copy: &Path) -> Result<()> {
    let written = (|| {
        let folder = trueline_files::folder_of(copy);
        // Made by us, since SQLite would let others read it.
        let file = trueline_files::NewFile::begin("database", folder, Audience::Owner)
            .map_err(Error::writing(copy))?;
        let text = file.path().to_string_lossy().into_owned();
        connection.execute("VACUUM INTO ?1", [text])?;
        file.finish(copy).map_err(Error::writing(copy))
    })();
    written.map_err(|error| error.in_database(copy))
}

#[cfg(test)]
mod tests {
    use crate::testing::{attempt, running, store};
    use crate::{AttemptFailure, AttemptOutcome, AttemptState, Error, Output, Results};

    #[test]
    fn a_full_database_keeps_what_it_has_and_goes_on() {
        let (home, store) = store();
        let limit = |pages: u32| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            store
                .write(move |connection| Ok(connection.query_row(&sql, [], |_| Ok(()))?))
                .unwrap();
        };
        let run = running(&store, &["a"]);
        let id = attempt(&store, &run, "a");
        // A limit below the size that the database has stands for that size.
        limit(1);
        let outputs = vec![Output::new("state", "state", vec![1; 60_000])];
        let results = Results {
            outputs,
            ..Results::default()
        };
        let error = store
            .finish_attempt(&id, AttemptOutcome::Succeeded(results))
            .unwrap_err();
        assert!(
            matches!(&error, Error::Full { path, .. } if path.starts_with(home.path())),
            "{error:?}"
        );
        assert_eq!(
            store.attempts(&run).unwrap()[0].state,
            AttemptState::Running
        );
        assert!(store.outputs(&run).unwrap().is_empty());

        limit(u32::MAX);
        let message = error.to_string();
        let failed = AttemptOutcome::Failed {
            failure: AttemptFailure::Host,
            message,
            retry: false,
        };
        store.finish_attempt(&id, failed).unwrap();
    }

    #[test]
    fn a_closed_home_is_tidy() {
        let (home, store) = store();
        running(&store, &[]);
        assert_eq!(store.runs(&crate::RunPage::default()).unwrap().len(), 1);
        drop(store);
        let entries = std::fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["blobs", "boots", "open.lock", "trueline.db"]);
        assert_eq!(
            std::fs::read_dir(home.path().join("boots"))
                .unwrap()
                .count(),
            0
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_home_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("deep").join("home");
        let _store = crate::testing::open(&home);
        for (path, mode) in [
            ("", 0o700),
            ("trueline.db", 0o600),
            ("trueline.db-wal", 0o600),
            ("open.lock", 0o600),
        ] {
            let metadata = std::fs::metadata(home.join(path)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{path}");
        }
    }
}
