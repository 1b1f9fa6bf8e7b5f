//! One visual language for all pictures: what has which colour, and how large text is.

use plotters::style::RGBColor;

/// Width of every picture, in pixels of its own size.
pub(super) const WIDTH: f64 = 720.0;
/// The distance that nothing but the ground reaches into.
pub(super) const MARGIN: f64 = 16.0;
/// The fonts, the first known of which is taken. The first has the widest letters, so that text fits with every other.
pub(super) const FONTS: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// Size of a picture's title.
pub(super) const TITLE: f64 = 16.0;
/// Size of text beside a drawing.
pub(super) const BODY: f64 = 12.0;
/// Size of labels at ticks and within drawings; nothing is smaller.
pub(super) const SMALL: f64 = 11.0;

/// What a colour means, the same in every picture. No meaning rests on colour alone: marks, dashes or words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Text and axes.
    Ink,
    /// Text beside the point.
    Muted,
    /// Lines of a grid.
    Faint,
    /// What everything stands on.
    Ground,
    /// Trials that passed.
    Passed,
    /// Trials that failed.
    Failed,
    /// Trials that failed though their agent claimed that they are done.
    Invisible,
    /// Trials that do not count.
    Excluded,
    /// Trials without a record.
    Missing,
    /// The first curve of a picture.
    First,
    /// The second.
    Second,
    /// What chance, or perfection, would show.
    Reference,
}

impl Role {
    pub(super) const ALL: [Self; 12] = [
        Self::Ink,
        Self::Muted,
        Self::Faint,
        Self::Ground,
        Self::Passed,
        Self::Failed,
        Self::Invisible,
        Self::Excluded,
        Self::Missing,
        Self::First,
        Self::Second,
        Self::Reference,
    ];

    /// Its word in names of classes and custom properties, its colour on light ground and that on dark ground.
    ///
    /// After Okabe and Ito's palette, whose colours stay apart for colour-blind eyes; darkened or lightened until each is at least three
    /// times as light or dark as its ground. The colours on light ground differ from one another, since they tell roles apart in
    /// what is drawn.
    fn look(self) -> (&'static str, u32, u32) {
        match self {
            Self::Ink => ("ink", 0x1f_23_28, 0xe6_ed_f3),
            Self::Muted => ("muted", 0x57_60_6a, 0x9d_a7_b1),
            Self::Faint => ("faint", 0xd8_de_e4, 0x30_36_3d),
            Self::Ground => ("ground", 0xff_ff_ff, 0x0d_11_17),
            Self::Passed => ("passed", 0x00_72_b2, 0x56_b4_e9),
            Self::Failed => ("failed", 0xd5_5e_00, 0xff_92_4d),
            Self::Invisible => ("invisible", 0x9b_2f_7c, 0xe7_9a_c8),
            Self::Excluded => ("excluded", 0x6e_77_81, 0x8b_94_9e),
            Self::Missing => ("missing", 0x8c_95_9f, 0x6e_76_80),
            Self::First => ("first", 0x00_7a_5e, 0x3f_cf_a4),
            Self::Second => ("second", 0x8f_63_00, 0xe6_b0_3c),
            Self::Reference => ("reference", 0x5a_5f_66, 0xa6_ad_b5),
        }
    }

    pub(super) fn word(self) -> &'static str {
        self.look().0
    }

    /// Its colour on light ground, as it stands in what is drawn.
    pub(super) fn light(self) -> String {
        format!("#{:06X}", self.look().1)
    }

    /// Its colour on dark ground.
    pub(super) fn dark(self) -> String {
        format!("#{:06X}", self.look().2)
    }

    pub(super) fn colour(self) -> RGBColor {
        let [_, red, green, blue] = self.look().1.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: u32) -> f64 {
        let part = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [_, red, green, blue] = colour.to_be_bytes();
        0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue)
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn no_two_roles_share_a_colour_or_a_word() {
        for (place, one) in Role::ALL.iter().enumerate() {
            for other in &Role::ALL[place + 1..] {
                assert_ne!(one.light(), other.light());
                assert_ne!(one.word(), other.word());
            }
        }
    }

    #[test]
    fn every_meaning_stands_out_from_light_and_from_dark_ground_and_text_more_so() {
        let (_, light, dark) = Role::Ground.look();
        for role in Role::ALL.into_iter().filter(|role| ![Role::Ground, Role::Faint].contains(role)) {
            let least = if [Role::Ink, Role::Muted].contains(&role) { 4.5 } else { 3.0 };
            let (word, on_light, on_dark) = role.look();
            assert!(contrast(on_light, light) >= least, "{word} on light ground");
            assert!(contrast(on_dark, dark) >= least, "{word} on dark ground");
        }
    }
}
