//! The daemon as a service manager sees it: the real binary, a notify socket, signals. In real time over loopback, so there are few.
