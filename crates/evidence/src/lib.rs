//! Evidence bundles: a self-contained package of custody that anybody can check without a network.
