//! bourse's environment and agents behind a C interface: one call runs many steps, natively.
//!
//! `stock` markets hold bourse's own `RandomAgents` (limit orders and cancels at uniform prices); the others hold agents
//! that follow the zero-intelligence market of ../README.md on bourse's environment.

use bourse_de::agents::{Agent, RandomAgents};
use bourse_de::types::{OrderId, Side, Status};
use bourse_de::Env;
use rand::Rng;
use rand::SeedableRng;
use rand_xoshiro::Xoroshiro128StarStar;

const SLOTS: usize = 4;
const REACH: u32 = 100;
const REFERENCE: u32 = 300_000;

/// Traders of the zero-intelligence market: a tenth of them, drawn, acts each step.
struct ZeroIntelligence {
    slots: Vec<Option<OrderId>>,
    cancels: u64,
}

impl ZeroIntelligence {
    fn live(&self, env: &Env, slot: usize) -> Option<OrderId> {
        self.slots[slot].filter(|id| env.order_status(*id) == Status::Active)
    }

    fn limit(&mut self, env: &mut Env, rng: &mut Xoroshiro128StarStar, trader: usize, slot: usize) {
        if let Some(id) = self.live(env, slot) {
            env.cancel_order(id);
        }
        let (bid, ask) = env.get_orderbook().bid_ask();
        let distance = 1 + rng.gen_range(0..REACH);
        let (side, price) = if rng.gen::<bool>() {
            (Side::Bid, if ask == u32::MAX { REFERENCE } else { ask } - distance)
        } else {
            (Side::Ask, if bid == 0 { REFERENCE } else { bid } + distance)
        };
        let lots = rng.gen_range(1..11);
        self.slots[slot] = env.place_order(side, lots, trader as u32, Some(price)).ok();
    }

    fn act(&mut self, env: &mut Env, rng: &mut Xoroshiro128StarStar) {
        let trader = rng.gen_range(0..self.slots.len() / SLOTS);
        let place = rng.gen_range(0..SLOTS);
        let slot = trader * SLOTS + place;
        match rng.gen_range(0..4) {
            2 => match (0..SLOTS).map(|k| trader * SLOTS + (place + k) % SLOTS).find(|s| self.live(env, *s).is_some()) {
                Some(live) => {
                    env.cancel_order(self.slots[live].take().unwrap());
                    self.cancels += 1;
                }
                None => self.limit(env, rng, trader, slot),
            },
            3 => {
                let side = if rng.gen::<bool>() { Side::Bid } else { Side::Ask };
                env.place_order(side, rng.gen_range(1..11), trader as u32, None).unwrap();
            }
            _ => self.limit(env, rng, trader, slot),
        }
    }
}

enum Traders {
    Stock(RandomAgents),
    Same(ZeroIntelligence),
}

/// A market with its traders and its random numbers.
pub struct Market {
    env: Env,
    traders: Traders,
    acting: usize,
    rng: Xoroshiro128StarStar,
}

/// Make a market of `number` traders; `stock` chooses bourse's own agents.
#[no_mangle]
pub extern "C" fn market_new(number: usize, stock: bool, seed: u64) -> *mut Market {
    let traders = if stock {
        Traders::Stock(RandomAgents::new(number, (REFERENCE - REACH, REFERENCE + REACH), (1, 11), 1, 0.1))
    } else {
        Traders::Same(ZeroIntelligence { slots: vec![None; number * SLOTS], cancels: 0 })
    };
    let rng = Xoroshiro128StarStar::seed_from_u64(seed);
    Box::into_raw(Box::new(Market { env: Env::new(0, 1, 1_000_000, true), traders, acting: number / 10, rng }))
}

/// Run `steps` steps.
#[no_mangle]
pub unsafe extern "C" fn market_run(market: *mut Market, steps: u64) {
    let market = &mut *market;
    for _ in 0..steps {
        match &mut market.traders {
            Traders::Stock(agents) => agents.update(&mut market.env, &mut market.rng),
            Traders::Same(traders) => {
                for _ in 0..market.acting {
                    traders.act(&mut market.env, &mut market.rng);
                }
            }
        }
        market.env.step(&mut market.rng);
    }
}

/// Count the messages so far: one each order id, one each cancel (of stock agents: each cancelled order).
#[no_mangle]
pub unsafe extern "C" fn market_messages(market: *mut Market) -> u64 {
    let market = &*market;
    let orders = market.env.get_orders();
    let cancels = match &market.traders {
        Traders::Stock(_) => orders.iter().filter(|order| order.status == Status::Cancelled).count() as u64,
        Traders::Same(traders) => traders.cancels,
    };
    orders.len() as u64 + cancels
}

/// Count the trades so far.
#[no_mangle]
pub unsafe extern "C" fn market_trades(market: *mut Market) -> u64 {
    (*market).env.get_trades().len() as u64
}

/// Free a market.
#[no_mangle]
pub unsafe extern "C" fn market_free(market: *mut Market) {
    drop(Box::from_raw(market));
}
