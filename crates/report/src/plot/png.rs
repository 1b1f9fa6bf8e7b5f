//! Pictures as PNG, the same on every machine: with the font that comes along, on light ground.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::Picture;

/// The font `DejaVu Sans` with Latin and Greek letters, arrows and signs; its licence lies beside it.
pub(super) const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans-Latin.ttf");

/// Most pixels of a PNG, so that no scale takes all memory.
const MOST_PIXELS: f32 = 100_000_000.0;

/// Why a picture cannot be made a PNG.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PngError {
    /// The picture's SVG cannot be read.
    #[error("the picture's SVG cannot be read")]
    Svg(#[from] resvg::usvg::Error),
    /// The scale leaves no pixel, or too many.
    #[error("a scale of {0} makes a picture of no pixels or of too many")]
    Scale(f32),
    /// The pixels cannot be written.
    #[error("the pixels cannot be written: {0}")]
    Write(String),
}

impl Picture {
    /// Returns the picture as a PNG of `scale` times its size, on light ground.
    ///
    /// # Errors
    /// [`PngError`] where the scale is out of range or the SVG is not one that was drawn here.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>, PngError> {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        let options =
            Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
        let tree = Tree::from_str(&self.svg, &options)?;
        let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
        let is_drawable = width >= 1.0 && height >= 1.0 && width * height <= MOST_PIXELS;
        let pixels = if is_drawable { Pixmap::new(width.ceil() as u32, height.ceil() as u32) } else { None };
        let mut pixels = pixels.ok_or(PngError::Scale(scale))?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| PngError::Write(error.to_string()))
    }
}
