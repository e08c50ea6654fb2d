//! router-desk
