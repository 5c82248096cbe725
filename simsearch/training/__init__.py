"""Train encoders on labelled pictures, and measure them: labelled folder -> checkpoint folder."""
