//! The allocator that the product runs with, counting what each thread asks of it.

use densa_alloc::{CountingAllocator, thread_stats};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: CountingAllocator<MiMalloc> = CountingAllocator::new(MiMalloc);

/// Bytes that this thread has asked for so far, those given back included: equal before and after means that nothing was allocated in between.
pub fn bytes() -> u64 {
    thread_stats().bytes_allocated
}
