//! The y coordinate of a compressed point, which AWS-LC computes and does not hand out.
//!
//! Points are public, so nothing here is constant in time. Nor is anything trusted: AWS-LC checks each
//! point that comes out, and a wrong one is refused.

use super::EcdhCurve;

/// Room for 521 bits, least significant first.
const LIMBS: usize = 9;
type Number = [u64; LIMBS];

/// The field of a curve `y² = x³ - 3x + b`, whose modulus is 3 modulo 4 (SEC 2, sections 2.4.2, 2.5.1, 2.6.1).
struct Field {
    modulus: Number,
    b: Number,
}

const P256: Field = Field {
    modulus: [
        0xffff_ffff_ffff_ffff,
        0x0000_0000_ffff_ffff,
        0,
        0xffff_ffff_0000_0001,
        0,
        0,
        0,
        0,
        0,
    ],
    b: [
        0x3bce_3c3e_27d2_604b,
        0x651d_06b0_cc53_b0f6,
        0xb3eb_bd55_7698_86bc,
        0x5ac6_35d8_aa3a_93e7,
        0,
        0,
        0,
        0,
        0,
    ],
};
const P384: Field = Field {
    modulus: [
        0x0000_0000_ffff_ffff,
        0xffff_ffff_0000_0000,
        0xffff_ffff_ffff_fffe,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0,
        0,
        0,
    ],
    b: [
        0x2a85_c8ed_d3ec_2aef,
        0xc656_398d_8a2e_d19d,
        0x0314_088f_5013_875a,
        0x181d_9c6e_fe81_4112,
        0x988e_056b_e3f8_2d19,
        0xb331_2fa7_e23e_e7e4,
        0,
        0,
        0,
    ],
};
const P521: Field = Field {
    modulus: [
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0x0000_0000_0000_01ff,
    ],
    b: [
        0xef45_1fd4_6b50_3f00,
        0x3573_df88_3d2c_34f1,
        0x1652_c0bd_3bb1_bf07,
        0x5619_3951_ec7e_937b,
        0xb8b4_8991_8ef1_09e1,
        0xa2da_725b_99b3_15f3,
        0x929a_21a0_b685_40ee,
        0x953e_b961_8e1c_9a1f,
        0x0000_0000_0000_0051,
    ],
};

/// The uncompressed form of `02 | 03 ‖ x`, if there is such a point.
pub(super) fn decompress(curve: EcdhCurve, compressed: &[u8]) -> Option<Vec<u8>> {
    let (sign, x) = compressed.split_first()?;
    let field = match curve {
        EcdhCurve::P256 => P256,
        EcdhCurve::P384 => P384,
        EcdhCurve::P521 => P521,
    };
    let number = from_bytes(x)?;
    let mut y = field.root_of_right_side(&number);
    if y.first()
        .is_some_and(|lowest| lowest & 1 != u64::from(sign & 1))
    {
        y = subtract(&field.modulus, &y).0;
    }
    Some([&[0x04], x, &to_bytes(&y, x.len())].concat())
}

impl Field {
    /// A square root of `x³ - 3x + b`, or anything if that is no square.
    fn root_of_right_side(&self, x: &Number) -> Number {
        let one = self.residue_of_one();
        let square = (0..64 * LIMBS).fold(one, |sum, _| self.add(&sum, &sum));
        let [x, b] = [x, &self.b].map(|number| self.multiply(number, &square));
        let cube = self.multiply(&self.multiply(&x, &x), &x);
        let triple = self.add(&self.add(&x, &x), &x);
        let minus_triple = subtract(&self.modulus, &triple).0;
        let right = self.add(&self.add(&cube, &minus_triple), &b);
        let root = self.power(&right, &self.root_exponent(), &one);
        let mut unit = [0; LIMBS];
        unit[0] = 1;
        self.multiply(&root, &unit)
    }

    /// 2^576 modulo the modulus: what stands for 1 in Montgomery's form.
    fn residue_of_one(&self) -> Number {
        let mut unit = [0; LIMBS];
        unit[0] = 1;
        (0..64 * LIMBS).fold(unit, |sum, _| self.add(&sum, &sum))
    }

    /// (modulus + 1) / 4.
    fn root_exponent(&self) -> Number {
        let mut exponent = [0; LIMBS];
        let mut carry = 1;
        for (out, limb) in exponent.iter_mut().zip(self.modulus) {
            let (sum, over) = limb.overflowing_add(carry);
            (*out, carry) = (sum, u64::from(over));
        }
        let above = exponent.into_iter().skip(1).chain([0]);
        let mut quarter = [0; LIMBS];
        for ((out, limb), above) in quarter.iter_mut().zip(exponent).zip(above) {
            *out = limb >> 2 | above << 62;
        }
        quarter
    }

    fn power(&self, base: &Number, exponent: &Number, one: &Number) -> Number {
        let bits = exponent.iter().rev();
        let bits = bits.flat_map(|limb| (0..64).rev().map(move |bit| limb >> bit & 1));
        bits.fold(*one, |power, bit| {
            let square = self.multiply(&power, &power);
            if bit == 1 {
                self.multiply(&square, base)
            } else {
                square
            }
        })
    }

    fn add(&self, a: &Number, b: &Number) -> Number {
        let mut sum = [0; LIMBS];
        let mut carry = 0;
        for ((out, a), b) in sum.iter_mut().zip(a).zip(b) {
            (*out, carry) = multiply_add(*a, 1, *b, carry);
        }
        self.reduce(sum)
    }

    fn reduce(&self, number: Number) -> Number {
        match subtract(&number, &self.modulus) {
            (difference, false) => difference,
            (_, true) => number,
        }
    }

    /// Montgomery's product: `a * b / 2^576`.
    fn multiply(&self, a: &Number, b: &Number) -> Number {
        let inverse = self.inverse();
        let mut product = [0; LIMBS];
        for b in b {
            // 55 bits of each number are free, so that one limb above holds what carries over.
            let mut above = 0;
            for (out, a) in product.iter_mut().zip(a) {
                (*out, above) = multiply_add(*a, *b, *out, above);
            }
            let factor = product[0].wrapping_mul(inverse);
            let mut carry = 0;
            for (out, modulus) in product.iter_mut().zip(self.modulus) {
                (*out, carry) = multiply_add(modulus, factor, *out, carry);
            }
            product.rotate_left(1);
            product[LIMBS - 1] = above.wrapping_add(carry);
        }
        self.reduce(product)
    }

    /// -1 / modulus, modulo 2^64, by Newton's method.
    fn inverse(&self) -> u64 {
        let modulus = self.modulus[0];
        let inverse = (0..6).fold(1_u64, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(modulus.wrapping_mul(inverse)))
        });
        inverse.wrapping_neg()
    }
}

/// `a * b + c + d`, low half first. It cannot overflow.
fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = u128::from(a) * u128::from(b) + u128::from(c) + u128::from(d);
    let [low, high] = [sum, sum >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)));
    (low.unwrap_or_default(), high.unwrap_or_default())
}

/// The difference, and whether it is negative.
fn subtract(a: &Number, b: &Number) -> (Number, bool) {
    let mut difference = [0; LIMBS];
    let mut borrow = false;
    for ((out, a), b) in difference.iter_mut().zip(a).zip(b) {
        let (first, under_first) = a.overflowing_sub(*b);
        let (second, under_second) = first.overflowing_sub(u64::from(borrow));
        (*out, borrow) = (second, under_first || under_second);
    }
    (difference, borrow)
}

/// `None` for more bytes than there is room for.
fn from_bytes(bytes: &[u8]) -> Option<Number> {
    let mut number = [0; LIMBS];
    for (n, byte) in bytes.iter().rev().enumerate() {
        *number.get_mut(n / 8)? |= u64::from(*byte) << (n % 8 * 8);
    }
    Some(number)
}

fn to_bytes(number: &Number, len: usize) -> Vec<u8> {
    let bytes = number.iter().flat_map(|limb| limb.to_le_bytes());
    let mut bytes: Vec<u8> = bytes.take(len).collect();
    bytes.reverse();
    bytes
}
