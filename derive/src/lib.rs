//! The derive macro of dynaseal.
