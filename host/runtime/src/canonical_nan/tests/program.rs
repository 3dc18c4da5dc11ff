//! Random programs that are full of NaNs: two functions of float parameters, which compute, branch,
//! loop a little, and store what they reached.

use wasm_encoder::{
    BlockType, CodeSection, ExportKind, ExportSection, Function, FunctionSection, InstructionSink,
    MemArg, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use ValType::{F32, F64, I32, I64, V128};

/// What each function takes: two of each, so that the first locals are floats.
const PARAMS: [ValType; 6] = [F64, F64, F32, F32, V128, V128];
/// Locals of each float type, after the parameters.
const LOCALS: u32 = 3;
/// A counter for each loop within a loop.
const DEPTH: u32 = 3;
const COUNTERS: u32 = 6 + 3 * LOCALS;

/// The program that these choices make; when they run out, whatever is begun is finished.
pub(super) fn program(choices: &[u8]) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function(PARAMS, [F64]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: Some(1),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("called", ExportKind::Func, 0);
    exports.export("main", ExportKind::Func, 1);
    let mut code = CodeSection::new();
    let (called, main) = choices.split_at(choices.len() / 4);
    for (may_call, choices) in [(false, called), (true, main)] {
        let bytes = &mut Vec::new();
        let mut writer = Writer {
            choices: choices.iter(),
            may_call,
            loops: 0,
            sink: InstructionSink::new(bytes),
        };
        writer.body();
        let mut function =
            Function::new([(LOCALS, F64), (LOCALS, F32), (LOCALS, V128), (DEPTH, I32)]);
        function.raw(bytes.iter().copied());
        code.function(&function);
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories);
    module.section(&exports).section(&code);
    module.finish()
}

struct Writer<'c, 's> {
    choices: std::slice::Iter<'c, u8>,
    may_call: bool,
    loops: u32,
    sink: InstructionSink<'s>,
}

fn at(offset: u64) -> MemArg {
    MemArg {
        offset,
        align: 0,
        memory_index: 0,
    }
}

/// The local of this type with that number, parameters included.
fn local(value: ValType, number: u32) -> u32 {
    let kind = match value {
        F64 => 0,
        F32 => 1,
        _ => 2,
    };
    match number % (2 + LOCALS) {
        param @ 0..2 => 2 * kind + param,
        number => 6 + LOCALS * kind + (number - 2),
    }
}

impl Writer<'_, '_> {
    fn choose(&mut self, of: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % of)
    }

    fn float(&mut self) -> ValType {
        [F64, V128, F32][usize::from(self.choose(3))]
    }

    fn body(&mut self) {
        while self.choices.len() > 0 {
            self.statement(3);
        }
        for value in [F64, F32, V128] {
            for number in 0..5 {
                self.sink.i32_const(16 * (5 * value_index(value) + number));
                self.sink.local_get(local(value, number.cast_unsigned()));
                self.store(value, 512);
            }
        }
        self.sink.local_get(local(F64, 3)).end();
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..=self.choose(4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        let kind = if depth == 0 {
            self.choose(6)
        } else {
            self.choose(12)
        };
        match kind {
            0..4 => {
                let value = self.float();
                self.expression(value, 3);
                let number = self.choose(5);
                self.sink.local_set(local(value, u32::from(number)));
            }
            4..6 => {
                let value = self.float();
                let address = i32::from(self.choose(16)) * 8;
                self.sink.i32_const(address);
                self.expression(value, 3);
                self.store(value, 0);
            }
            6 | 7 => {
                self.expression(I32, 2);
                self.sink.if_(BlockType::Empty);
                self.statements(depth - 1);
                if kind == 6 {
                    self.sink.else_();
                    self.statements(depth - 1);
                }
                self.sink.end();
            }
            8 => {
                self.sink.block(BlockType::Empty);
                self.statements(depth - 1);
                self.expression(I32, 2);
                self.sink.br_if(0);
                self.statements(depth - 1);
                self.sink.end();
            }
            9 => {
                self.sink.block(BlockType::Empty).block(BlockType::Empty);
                self.statements(depth - 1);
                self.expression(I32, 1);
                self.sink.br_table([0, 1], 0).end();
                self.statements(depth - 1);
                self.sink.end();
            }
            10 if self.may_call => {
                for value in PARAMS {
                    self.expression(value, 1);
                }
                self.sink.call(0);
                let number = self.choose(5);
                self.sink.local_set(local(F64, u32::from(number)));
            }
            _ if self.loops < DEPTH => {
                let counter = COUNTERS + self.loops;
                self.loops += 1;
                self.sink.i32_const(0).local_set(counter);
                self.sink.loop_(BlockType::Empty);
                self.statements(depth - 1);
                self.sink
                    .local_get(counter)
                    .i32_const(1)
                    .i32_add()
                    .local_tee(counter);
                self.sink.i32_const(3).i32_lt_u().br_if(0).end();
                self.loops -= 1;
            }
            _ => {}
        }
    }

    fn store(&mut self, value: ValType, offset: u64) {
        match value {
            F64 => self.sink.f64_store(at(offset)),
            F32 => self.sink.f32_store(at(offset)),
            _ => self.sink.v128_store(at(offset)),
        };
    }

    /// Leaves a value of this type on the stack.
    fn expression(&mut self, value: ValType, depth: u32) {
        match value {
            F64 => self.float64(depth),
            F32 => self.float32(depth),
            V128 => self.vector(depth),
            I64 => {
                self.float64(depth.saturating_sub(1));
                self.sink.i64_reinterpret_f64();
            }
            _ => self.integer(depth.saturating_sub(1)),
        }
    }

    fn leaf(&mut self, value: ValType) {
        let (kind, number) = (self.choose(4), u32::from(self.choose(5)));
        match (kind, value) {
            (0, F64) => self
                .sink
                .f64_const([1.5, 0.0, -0.0, f64::INFINITY, f64::NAN][number as usize].into()),
            (0, F32) => self
                .sink
                .f32_const([1.5, 0.0, -0.0, f32::INFINITY, f32::NAN][number as usize].into()),
            (0, _) => self
                .sink
                .v128_const(i128::from(number) * 0x3ff0_0000_7f81_0001_7ff4),
            (1, F64) => self.sink.i32_const(0).f64_load(at(u64::from(8 * number))),
            (1, F32) => self.sink.i32_const(0).f32_load(at(u64::from(8 * number))),
            (1, _) => self.sink.i32_const(0).v128_load(at(u64::from(8 * number))),
            _ => self.sink.local_get(local(value, number)),
        };
    }

    /// A value behind a choice: of two, of a branch, or one that is kept.
    fn chosen(&mut self, value: ValType, depth: u32) {
        match self.choose(3) {
            0 => {
                self.expression(value, depth);
                self.expression(value, depth);
                self.expression(I32, depth);
                self.sink.select();
            }
            1 => {
                self.expression(I32, depth);
                self.sink.if_(BlockType::Result(value));
                self.expression(value, depth);
                self.sink.else_();
                self.expression(value, depth);
                self.sink.end();
            }
            _ => {
                self.expression(value, depth);
                let number = self.choose(5);
                self.sink.local_tee(local(value, u32::from(number)));
            }
        }
    }

    fn float64(&mut self, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.leaf(F64);
        };
        match self.choose(18) {
            0 => self.leaf(F64),
            1 | 2 => self.chosen(F64, depth),
            kind @ 3..9 => {
                self.float64(depth);
                self.float64(depth);
                match kind {
                    3 => self.sink.f64_add(),
                    4 => self.sink.f64_sub(),
                    5 => self.sink.f64_mul(),
                    6 => self.sink.f64_div(),
                    7 => self.sink.f64_min(),
                    _ => self.sink.f64_copysign(),
                };
            }
            kind @ 9..14 => {
                self.float64(depth);
                match kind {
                    9 => self.sink.f64_sqrt(),
                    10 => self.sink.f64_neg(),
                    11 => self.sink.f64_abs(),
                    12 => self.sink.f64_nearest(),
                    _ => self.sink.i64_reinterpret_f64().f64_reinterpret_i64(),
                };
            }
            14 => {
                self.float32(depth);
                self.sink.f64_promote_f32();
            }
            15 => {
                self.expression(I64, depth);
                self.sink.f64_convert_i64_s();
            }
            _ => {
                self.vector(depth);
                let lane = self.choose(2);
                self.sink.f64x2_extract_lane(lane);
            }
        }
    }

    fn float32(&mut self, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.leaf(F32);
        };
        match self.choose(12) {
            0 => self.leaf(F32),
            1 => self.chosen(F32, depth),
            kind @ 2..7 => {
                self.float32(depth);
                self.float32(depth);
                match kind {
                    2 => self.sink.f32_add(),
                    3 => self.sink.f32_sub(),
                    4 => self.sink.f32_div(),
                    5 => self.sink.f32_max(),
                    _ => self.sink.f32_copysign(),
                };
            }
            7 => {
                self.float32(depth);
                self.sink.f32_neg();
            }
            8 => {
                self.float32(depth);
                self.sink.f32_sqrt().f32_abs();
            }
            9 => {
                self.float64(depth);
                self.sink.f32_demote_f64();
            }
            _ => {
                self.vector(depth);
                let lane = self.choose(4);
                self.sink.f32x4_extract_lane(lane);
            }
        }
    }

    fn vector(&mut self, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.leaf(V128);
        };
        match self.choose(28) {
            0 => self.leaf(V128),
            1 | 2 => self.chosen(V128, depth),
            kind @ 3..15 => {
                self.vector(depth);
                self.vector(depth);
                match kind {
                    3 => self.sink.f64x2_add(),
                    4 => self.sink.f64x2_sub(),
                    5 => self.sink.f64x2_div(),
                    6 => self.sink.f64x2_max(),
                    7 => self.sink.f64x2_pmin(),
                    8 => self.sink.f64x2_pmax(),
                    9 => self.sink.f32x4_add(),
                    10 => self.sink.f32x4_div(),
                    11 => self.sink.f32x4_pmax(),
                    12 => self.sink.i64x2_add(),
                    13 => self.sink.v128_xor(),
                    _ => self.sink.f64x2_lt(),
                };
            }
            kind @ 15..22 => {
                self.vector(depth);
                match kind {
                    15 => self.sink.f64x2_sqrt(),
                    16 => self.sink.f64x2_abs(),
                    17 => self.sink.f64x2_neg(),
                    18 => self.sink.f32x4_abs(),
                    19 => self.sink.f64x2_promote_low_f32x4(),
                    20 => self.sink.f32x4_demote_f64x2_zero(),
                    _ => self
                        .sink
                        .local_get(local(V128, 0))
                        .i8x16_shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]),
                };
            }
            22 => {
                self.float64(depth);
                self.sink.f64x2_splat();
            }
            23 => {
                self.float32(depth);
                self.sink.f32x4_splat();
            }
            24 | 25 => {
                self.vector(depth);
                self.float64(depth);
                let lane = self.choose(2);
                self.sink.f64x2_replace_lane(lane);
            }
            26 => {
                self.vector(depth);
                self.float32(depth);
                let lane = self.choose(4);
                self.sink.f32x4_replace_lane(lane);
            }
            _ => {
                self.vector(depth);
                self.vector(depth);
                self.vector(depth);
                self.sink.v128_bitselect();
            }
        }
    }

    fn integer(&mut self, depth: u32) {
        match self.choose(6) {
            0 => self.sink.i32_const(1),
            1 => {
                self.float64(depth);
                self.float64(depth);
                self.sink.f64_lt()
            }
            2 => {
                self.float32(depth);
                self.float32(depth);
                self.sink.f32_ne()
            }
            3 => {
                self.float64(depth);
                self.sink.i32_trunc_sat_f64_s().i32_const(1).i32_and()
            }
            4 => {
                self.vector(depth);
                self.sink.v128_any_true()
            }
            _ => self.sink.local_get(COUNTERS),
        };
    }
}

fn value_index(value: ValType) -> i32 {
    match value {
        F64 => 0,
        F32 => 1,
        _ => 2,
    }
}
