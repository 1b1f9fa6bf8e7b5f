//! The host's platform, as packages are made for it.

use crate::recipe::{KitSection, PackageSection, Platform};

impl Platform {
    /// Returns the host's platform; `None` where recipes know no such platform.
    pub fn of_host() -> Option<Self> {
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        return Some(if std::arch::is_x86_feature_detected!("avx2") {
            Self::LinuxX64
        } else {
            Self::LinuxX64Baseline
        });
        #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
        return Some(Self::LinuxArm64);
        #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
        return None;
    }

    /// Returns the platform's word as it stands in recipes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinuxX64 => "linux-x64",
            Self::LinuxX64Baseline => "linux-x64-baseline",
            Self::LinuxArm64 => "linux-arm64",
        }
    }
}

/// Returns the packages for a platform, in the recipe's order.
pub(super) fn packages_for(section: &KitSection, platform: Platform) -> Vec<&PackageSection> {
    let fits =
        |package: &&PackageSection| package.platforms.is_empty() || package.platforms.contains(&platform);
    section.packages.iter().filter(fits).collect()
}
