//! A progress bar that shows nothing.

#[macro_export]
macro_rules! tqdm {
    ($steps:expr) => {
        $steps
    };
}
