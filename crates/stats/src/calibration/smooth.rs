//! Smooth calibration error: no bins, a Gaussian kernel reflected at 0 and 1.
//!
//! The bandwidth is the largest one that is not above the error it gives. Source: Błasiok & Nakkiran 2023,
//! arXiv 2309.12236; discretised so that values agree with its reference implementation to 10⁻⁶. The error of
//! few items is well above 0 also for perfect forecasts.

use crate::forecast::Forecast;
use crate::moments;
use crate::undefined::Undefined;

/// Smallest bandwidth considered.
const SMALLEST_BANDWIDTH: f64 = 0.001;
/// Halvings of the bandwidth search.
const HALVINGS: usize = 10;
/// Added to the density so that empty stretches do not divide by zero.
const FLOOR: f64 = 1e-4;
/// Bandwidths beyond which the kernel is below the precision of a float.
const REACH: f64 = 9.0;

/// The smooth calibration error and the bandwidth chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothError {
    /// The error, in [0, 1].
    pub error: f64,
    /// The bandwidth at which it was taken.
    pub bandwidth: f64,
}

/// Returns the smooth calibration error with the bandwidth chosen from the data.
///
/// # Errors
///
/// [`Undefined::Empty`].
pub fn smooth_error(forecasts: &[Forecast]) -> Result<SmoothError, Undefined> {
    let too_narrow = |bandwidth: f64| -> Result<bool, Undefined> {
        Ok(bandwidth < SMALLEST_BANDWIDTH || bandwidth < smooth_error_at(forecasts, bandwidth)?)
    };
    let (mut wide, mut narrow) = (1.0, 0.0);
    if !too_narrow(wide)? {
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(wide, narrow);
            if too_narrow(middle)? {
                narrow = middle;
            } else {
                wide = middle;
            }
        }
    }
    Ok(SmoothError { error: smooth_error_at(forecasts, wide)?, bandwidth: wide })
}

/// Returns the smooth calibration error at a fixed bandwidth.
///
/// # Errors
///
/// [`Undefined::Empty`] without forecasts, [`Undefined::OutOfDomain`] unless the bandwidth is at least 10⁻⁴
/// and finite.
pub fn smooth_error_at(forecasts: &[Forecast], bandwidth: f64) -> Result<f64, Undefined> {
    if forecasts.is_empty() {
        return Err(Undefined::Empty);
    }
    if !(bandwidth >= 1e-4 && bandwidth.is_finite()) {
        return Err(Undefined::OutOfDomain);
    }
    let field = Field::new(forecasts, bandwidth);
    let points = (10.0 / bandwidth).round_ties_even().max(200.0) as usize;
    let (mut errors, mut densities) = (Vec::with_capacity(points), Vec::with_capacity(points));
    for point in 0..points {
        let (error, density) = field.at(point as f64 / (points - 1) as f64);
        errors.push(error.abs());
        densities.push(density + FLOOR);
    }
    Ok(moments::sum(errors) / moments::sum(densities))
}

/// Residuals and item counts on a grid over [0, 1], and the kernel on the same grid.
struct Field {
    cells: usize,
    /// Residual and count at each occupied position of the grid reflected on both sides, ascending.
    occupied: Vec<(usize, f64, f64)>,
    kernel: Vec<f64>,
    reach: usize,
}

impl Field {
    fn new(forecasts: &[Forecast], bandwidth: f64) -> Self {
        let cells = (20.0 / bandwidth).round_ties_even().max(2000.0) as usize / 2 + 1;
        let last = cells - 1;
        let mut grid = vec![(0.0, 0.0); cells];
        for forecast in forecasts {
            let (cell, rest) = place(forecast.probability(), cells);
            let residual = forecast.probability() - forecast.outcome_value();
            for (cell, weight) in [(cell, 1.0 - rest), (cell + 1, rest)] {
                grid[cell].0 += weight * residual;
                grid[cell].1 += weight;
            }
        }
        let mut occupied = Vec::new();
        for (cell, &(residual, count)) in grid.iter().enumerate().filter(|(_, (_, count))| *count > 0.0) {
            // The edges lie on both copies and count once.
            let mut places = vec![last - cell, last + cell, 3 * last - cell];
            places.dedup();
            occupied.extend(places.into_iter().map(|place| (place, residual, count)));
        }
        occupied.sort_by_key(|entry| entry.0);
        let height = 1.0 / ((2.0 * std::f64::consts::PI).sqrt() * bandwidth);
        let kernel = (0..cells)
            .map(|i| {
                let distance = (i as f64 / last as f64 - 0.5) / bandwidth;
                height * (-distance * distance / 2.0).exp()
            })
            .collect();
        let reach = (REACH * bandwidth * cells as f64).ceil() as usize + 1;
        Self { cells, occupied, kernel, reach }
    }

    /// Smoothed residual and density at a point of [0, 1], linear between grid cells.
    fn at(&self, point: f64) -> (f64, f64) {
        let (cell, rest) = place(point, self.cells);
        let (left, right) = (self.smooth(cell), self.smooth(cell + 1));
        let mix = |a: f64, b: f64| (1.0 - rest) * a + rest * b;
        (mix(left.0, right.0), mix(left.1, right.1))
    }

    fn smooth(&self, cell: usize) -> (f64, f64) {
        // Entry q of the kernel meets position `shift − q`; the middle entry meets the cell's own position.
        let shift = cell + self.cells / 2 + self.cells - 1;
        let center = shift - self.cells / 2;
        let low = (shift + 1).saturating_sub(self.cells).max(center.saturating_sub(self.reach));
        let high = shift.min(center + self.reach);
        let start = self.occupied.partition_point(|entry| entry.0 < low);
        let mut sums = (0.0, 0.0);
        for &(position, residual, count) in &self.occupied[start..] {
            if position > high {
                break;
            }
            let weight = self.kernel[shift - position];
            sums.0 += weight * residual;
            sums.1 += weight * count;
        }
        sums
    }
}

/// Grid cell at or below a point of [0, 1], never the last one, and the fraction of the way to the next.
fn place(point: f64, cells: usize) -> (usize, f64) {
    let scaled = point * (cells - 1) as f64;
    let cell = (scaled as usize).min(cells - 2);
    (cell, scaled - cell as f64)
}
