package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// cpuSet is a set of CPUs as the system takes it, a bit for each (sched_setaffinity(2)).
type cpuSet [16]uint64

// affinity reads or sets the CPUs of a thread; 0 is the one that calls.
func affinity(call uintptr, thread int, set *cpuSet) error {
	_, _, fault := syscall.RawSyscall(call, uintptr(thread), unsafe.Sizeof(*set), uintptr(unsafe.Pointer(set))) //nolint:gosec // the address is how the kernel takes the set
	if fault != 0 {
		return fault
	}
	return nil
}

// cpus are the numbers of those that this process may run on.
func cpus() ([]int, error) {
	var set cpuSet
	if err := affinity(syscall.SYS_SCHED_GETAFFINITY, 0, &set); err != nil {
		return nil, fmt.Errorf("reading which CPUs there are: %w", err)
	}
	var list []int
	for n := range 64 * len(set) {
		if set[n/64]&(1<<(n%64)) != 0 {
			list = append(list, n)
		}
	}
	return list, nil
}

// stayOn keeps the threads of this process, and what they start, on these CPUs.
func stayOn(list []int) error {
	var set cpuSet
	for _, n := range list {
		set[n/64] |= 1 << (n % 64)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("reading the threads of the process: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = affinity(syscall.SYS_SCHED_SETAFFINITY, id, &set)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // that thread has ended
			return fmt.Errorf("keeping to the CPUs %v: %w", list, err)
		}
	}
	return nil
}
