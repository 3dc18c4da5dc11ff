//! Making a component of a stage: the macros that an author ends with, and what they call.

/// Exports a [`Stage`](crate::Stage) as a component of the world `transform`.
#[macro_export]
macro_rules! export_transform {
    ($stage:ty) => {
        $crate::__export!("transform", $stage, map);
    };
}

/// Exports a [`Stage`](crate::Stage) that only reduces as a component of the world `check`.
#[macro_export]
macro_rules! export_check {
    ($stage:ty) => {
        $crate::__export!("check", $stage);
    };
}

/// Exports a [`Stage`](crate::Stage) as a component of the world `model`, whose steps reach the host
/// through [`progress`](crate::progress).
#[macro_export]
macro_rules! export_model {
    ($stage:ty) => {
        $crate::__export!("model", $stage, map, progress);
    };
}

/// The bindings are generated in the component's own crate, so that it describes one world only; the
/// contract is therefore repeated here, without its docs. A test compares it with `wit/`.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($world:tt, $stage:ty $(, $extra:ident)*) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, unreachable_pub, clippy::all, reason = "generated")]
        mod __component {
            use super::*;
            use $crate::glue;

            $crate::wit_bindgen::generate!({
                inline: r#"
            package trueline:stage@0.1.0;
            interface types {
                enum role {
                    feature,
                    label,
                    weight,
                    key,
                    event-time,
                    group,
                    prediction,
                }
                variant data-type {
                    boolean,
                    int32,
                    int64,
                    float32,
                    float64,
                    utf8,
                    binary,
                    timestamp,
                    date,
                    float32-list(u32),
                    float64-list(u32),
                }
                record field {
                    name: string,
                    data-type: data-type,
                    nullable: bool,
                    role: role,
                    elements: list<string>,
                }
                record schema {
                    fields: list<field>,
                }
                type frame = list<u8>;
                record input {
                    name: string,
                    schema: schema,
                }
                record signature {
                    reduction: option<reduction>,
                    mapping: option<mapping>,
                }
                record reduction {
                    reads: list<list<string>>,
                    passes: u32,
                    mergeable: bool,
                    bytes-per-row: u32,
                    seeded: bool,
                }
                record mapping {
                    reads: list<string>,
                    writes: schema,
                    removes: list<string>,
                }
                record metric {
                    name: string,
                    value: f64,
                }
                enum severity {
                    warn,
                    fail,
                }
                record finding {
                    severity: severity,
                    subject: string,
                    message: string,
                    count: u64,
                }
                record outcome {
                    state: list<u8>,
                    metrics: list<metric>,
                    findings: list<finding>,
                    report: option<string>,
                }
                variant error {
                    params(string),
                    schema(string),
                    data(string),
                    other(string),
                }
            }
            interface describe {
                use types.{error, input, schema, signature};
                describe: func(params: string, inputs: list<input>, rows: option<schema>) -> result<signature, error>;
            }
            interface reduce {
                use types.{error, frame, input, outcome};
                begin: func(params: string, inputs: list<input>, pass: u32, state: list<u8>) -> result<_, error>;
                update: func(input: u32, batch: frame) -> result<_, error>;
                partial: func() -> result<list<u8>, error>;
                merge: func(partial: list<u8>) -> result<_, error>;
                finish: func() -> result<outcome, error>;
            }
            interface %map {
                use types.{error, frame, schema};
                load: func(params: string, rows: schema, state: list<u8>) -> result<schema, error>;
                %map: func(batch: frame) -> result<frame, error>;
            }
            interface progress {
                use types.{metric};
                enum decision {
                    continue,
                    stop,
                }
                step: func(step: u32, metrics: list<metric>) -> decision;
            }
            world transform {
                export describe;
                export reduce;
                export %map;
            }
            world check {
                export describe;
                export reduce;
            }
            world model {
                import progress;
                export describe;
                export reduce;
                export %map;
            }
                "#,
                world: $world,
                with: { "trueline:stage/types@0.1.0": ::trueline_sdk::__types },
                runtime_path: "::trueline_sdk::wit_bindgen::rt",
            });

            type Reduction = <$stage as $crate::Stage>::Reduce;

            thread_local! {
                static REDUCTION: glue::Slot<glue::Reducing<Reduction>> = const { glue::Slot::empty() };
            }

            struct Component;

            impl exports::trueline::stage::describe::Guest for Component {
                fn describe(
                    params: String,
                    inputs: Vec<$crate::Input>,
                    rows: Option<$crate::Schema>,
                ) -> Result<$crate::Signature, $crate::Error> {
                    glue::describe::<$stage>(&params, &inputs, rows.as_ref())
                }
            }

            impl exports::trueline::stage::reduce::Guest for Component {
                fn begin(
                    params: String,
                    inputs: Vec<$crate::Input>,
                    pass: u32,
                    state: Vec<u8>,
                ) -> Result<(), $crate::Error> {
                    $($crate::__export!(@progress $extra);)*
                    REDUCTION.with(|slot| slot.put(glue::Reducing::begin(&params, inputs, pass, &state)?))
                }

                fn update(input: u32, batch: Vec<u8>) -> Result<(), $crate::Error> {
                    REDUCTION.with(|slot| slot.with(|reducing| reducing.update(input, &batch)))
                }

                fn partial() -> Result<Vec<u8>, $crate::Error> {
                    REDUCTION.with(|slot| slot.with(|reducing| reducing.partial()))
                }

                fn merge(partial: Vec<u8>) -> Result<(), $crate::Error> {
                    REDUCTION.with(|slot| slot.with(|reducing| reducing.merge(&partial)))
                }

                fn finish() -> Result<$crate::Outcome, $crate::Error> {
                    REDUCTION.with(|slot| slot.take())?.finish()
                }
            }

            $($crate::__export!(@map $extra, $stage);)*

            export!(Component);
        }
    };
    (@map map, $stage:ty) => {
        type Mapping = <$stage as $crate::Stage>::Map;

        thread_local! {
            static MAP: glue::Slot<glue::Mapping<Mapping>> = const { glue::Slot::empty() };
        }

        impl exports::trueline::stage::map::Guest for Component {
            fn load(
                params: String,
                rows: $crate::Schema,
                state: Vec<u8>,
            ) -> Result<$crate::Schema, $crate::Error> {
                let mapping = glue::Mapping::<Mapping>::load(&params, rows, state)?;
                let writes = mapping.writes().clone();
                MAP.with(|slot| slot.put(mapping))?;
                Ok(writes)
            }

            fn map(batch: Vec<u8>) -> Result<Vec<u8>, $crate::Error> {
                MAP.with(|slot| slot.with(|mapping| mapping.map(&batch)))
            }
        }
    };
    (@map $other:ident, $stage:ty) => {};
    (@progress progress) => {
        $crate::progress::set_reporter(|step, metrics| {
            match trueline::stage::progress::step(step, metrics) {
                trueline::stage::progress::Decision::Continue => $crate::progress::Decision::Continue,
                trueline::stage::progress::Decision::Stop => $crate::progress::Decision::Stop,
            }
        });
    };
    (@progress $other:ident) => {};
}

/// What the exported functions call, with the stage as a type. Native tests call it too, so they run
/// exactly what the component runs.
#[doc(hidden)]
pub mod glue {
    use std::cell::RefCell;

    use crate::{
        Batch, Error, Input, Map, Outcome, Reduce, Result, Schema, Signature, Stage, parse_params,
    };

    /// The one thing that an instance reduces or maps with.
    pub struct Slot<T>(RefCell<Option<T>>);

    impl<T> Slot<T> {
        pub const fn empty() -> Self {
            Self(RefCell::new(None))
        }

        pub fn put(&self, value: T) -> Result<()> {
            *self.0.borrow_mut() = Some(value);
            Ok(())
        }

        pub fn with<R>(&self, call: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
            self.0
                .borrow_mut()
                .as_mut()
                .ok_or_else(not_begun)
                .and_then(call)
        }

        pub fn take(&self) -> Result<T> {
            self.0.borrow_mut().take().ok_or_else(not_begun)
        }
    }

    fn not_begun() -> Error {
        Error::other("nothing was begun or loaded in this instance")
    }

    pub fn describe<S: Stage>(
        params: &str,
        inputs: &[Input],
        rows: Option<&Schema>,
    ) -> Result<Signature> {
        S::describe(&parse_params(params)?, inputs, rows)
    }

    /// A reduction and the schemas of its frames.
    pub struct Reducing<R> {
        inputs: Vec<Input>,
        reduce: R,
    }

    impl<R: Reduce> Reducing<R>
    where
        R::Params: serde::de::DeserializeOwned,
    {
        pub fn begin(params: &str, inputs: Vec<Input>, pass: u32, state: &[u8]) -> Result<Self> {
            let reduce = R::begin(parse_params(params)?, &inputs, pass, state)?;
            Ok(Self { inputs, reduce })
        }

        pub fn update(&mut self, input: u32, frame: &[u8]) -> Result<()> {
            let index = input as usize;
            let known = self.inputs.get(index);
            let known = known.ok_or_else(|| Error::other(format!("there is no input {input}")))?;
            self.reduce
                .update(index, &Batch::decode(&known.schema, frame)?)
        }

        pub fn partial(&self) -> Result<Vec<u8>> {
            self.reduce.partial()
        }

        pub fn merge(&mut self, partial: &[u8]) -> Result<()> {
            self.reduce.merge(partial)
        }

        pub fn finish(self) -> Result<Outcome> {
            self.reduce.finish()
        }
    }

    /// A map and the schema of its frames.
    pub struct Mapping<M> {
        rows: Schema,
        map: M,
    }

    impl<M: Map> Mapping<M>
    where
        M::Params: serde::de::DeserializeOwned,
    {
        pub fn load(params: &str, rows: Schema, state: Vec<u8>) -> Result<Self> {
            let map = M::load(parse_params(params)?, &rows, &state)?;
            Ok(Self { rows, map })
        }

        pub fn writes(&self) -> &Schema {
            self.map.writes()
        }

        pub fn map(&self, frame: &[u8]) -> Result<Vec<u8>> {
            self.map.map(&Batch::decode(&self.rows, frame)?)
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_contract_of_the_macro_is_the_contract_of_wit() {
        let bare = |text: &str| -> String {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| !line.starts_with("//") && !line.starts_with("@since"))
                .collect()
        };
        let macro_text = include_str!("export.rs");
        let start = macro_text.find("inline: r#\"").unwrap() + "inline: r#\"".len();
        let end = start + macro_text[start..].find("\"#").unwrap();
        let wit = concat!(
            include_str!("../../../wit/types.wit"),
            include_str!("../../../wit/stage.wit")
        );
        assert_eq!(bare(&macro_text[start..end]), bare(wit));
    }
}
